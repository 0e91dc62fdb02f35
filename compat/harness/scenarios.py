"""Finds scenarios, runs them against a broker, and compares what they print with what they print against Apache Kafka."""
import difflib
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .masks import expect_of_klamm, mask, read_differences, without_additions
from .paths import COMPAT, GO_BINARY, VENV

TIMEOUT_S = {"quick": 180, "long": 1800}
LONG_MARK = "# tier: long"
OWN_BROKER_MARK = "# broker: own"


@dataclass(frozen=True)
class Scenario:
    """A script; where `expected` exists its masked output is compared."""
    client: str
    path: Path

    @property
    def name(self):
        return f"{self.client}/{self.path.stem}"

    @property
    def expected(self):
        return COMPAT / self.client / "expected" / f"{self.path.stem}.txt"

    @property
    def is_long(self):
        """Whether its second line keeps it out of the quick tier."""
        return self.path.read_text().splitlines()[1:2] == [LONG_MARK]

    @property
    def wants_own_broker(self):
        """Whether its second line asks for a broker that no other scenario has used: it shows all that is there."""
        return self.path.read_text().splitlines()[1:2] == [OWN_BROKER_MARK]


@dataclass
class Outcome:
    """What came of one scenario."""
    name: str
    passed: bool
    seconds: float
    why: str = ""


def find(client, size, only=None):
    """The client's scenarios of that tier, or the one that was asked for by name."""
    paths = sorted((COMPAT / client / "scenarios").iterdir())
    found = [Scenario(client, path) for path in paths if path.suffix in (".sh", ".py")]
    if only:
        return [scenario for scenario in found if scenario.path.stem == only]
    return [scenario for scenario in found if size == "long" or not scenario.is_long]


def play(scenario, broker, size, toolhost_port):
    """Runs the script once; returns (exit code, stdout, stderr)."""
    temporary = Path(tempfile.mkdtemp(prefix="compat-"))
    environment = dict(os.environ, BOOTSTRAP=broker.bootstrap, BROKER_DIR=str(broker.directory), COMPAT_SIZE=size,
                       COMPAT_GO=str(GO_BINARY), TMPDIR=str(temporary), LC_ALL="C.UTF-8")
    if toolhost_port:
        environment["COMPAT_TOOLHOST"] = toolhost_port
    command = [str(scenario.path)]
    if scenario.path.suffix == ".py":
        command.insert(0, str(VENV / "bin/python"))
    # Appended to, for the tools' JVM opens the files once more.
    with open(temporary / "stdout", "a+", errors="replace") as out, open(temporary / "stderr", "a+", errors="replace") as err:
        # pylint: disable=consider-using-with
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment,
                                   start_new_session=True)
        try:
            code = process.wait(TIMEOUT_S[size])
        except subprocess.TimeoutExpired:
            code = "timeout"
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read())
    subprocess.run(["rm", "-rf", str(temporary)], check=False)
    return code, *texts


def _compare(scenario, expected, actual, klamm):
    if klamm:
        differences = read_differences(scenario.client).get(scenario.path.stem, [])
        expected, actual = expect_of_klamm(expected, differences), without_additions(actual, differences)
    if expected == actual:
        return ""
    return "\n".join(difflib.unified_diff(expected.splitlines(), actual.splitlines(), "Apache Kafka", "this broker", lineterm=""))


def run(scenario, broker, size, toolhost_port, record=False, live=None):
    """One scenario's outcome. `live` is Kafka's transcript of just now, in place of the recorded one."""
    started = time.monotonic()
    code, out, err = play(scenario, broker, size, toolhost_port)
    transcript = mask(out)
    why = ""
    if code:
        why = f"exit {code}\n{_tail(out)}\n{_tail(err)}"
    elif record and scenario.expected.parent.is_dir():
        scenario.expected.write_text(transcript)
    elif scenario.expected.exists():
        expected = (live or {}).get(scenario.name) or scenario.expected.read_text()
        why = _compare(scenario, expected, transcript, broker.kind == "klamm")
        if why:
            why += f"\n{_tail(err)}"
    if not broker.pid:
        why += f"\nthe broker has ended; its log ends with\n{broker.log_tail()}"
    return Outcome(scenario.name, not why, time.monotonic() - started, why), transcript


def _tail(text, lines=25):
    return "\n".join(text.splitlines()[-lines:])
