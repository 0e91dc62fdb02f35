"""kill -9 at points drawn from a seed, under load; then everything acknowledged must be there, once and unchanged."""
import os
import random
import subprocess
import time
from dataclasses import dataclass

from .broker import Broker, BrokerError
from .paths import COMPAT, VENV, java_command
from .scenarios import Outcome

PARTITIONS = 4
RECORDS_PER_SECOND = 1500
POINT_WITHIN_S = 60
# Small segments and short intervals, so that kills fall into rolls, flushes and checkpoints as well as appends.
OVERRIDES = {
    "log.segment.bytes": "1048576",
    "log.index.interval.bytes": "1024",
    "log.flush.interval.ms": "400",
    "log.flush.scheduler.interval.ms": "200",
    "log.flush.offset.checkpoint.interval.ms": "300",
    "log.flush.start.offset.checkpoint.interval.ms": "300",
    "log.retention.check.interval.ms": "500",
    "log.segment.delete.delay.ms": "500",
    "auto.create.topics.enable": "false",
}
# (what is counted, fewest, most); a point is reached when that much has passed since the broker was ready.
POINTS = [
    ("ms", 0, 3000),
    ("bytes", 1, 4_000_000),
    ("acknowledgements", 1, 5000),
    # Counted from the start of the process: while it recovers.
    ("ms of start-up", 1, 1500),
]


@dataclass
class Load:
    """A producer program and where it notes what was acknowledged."""
    name: str
    ack_log: object
    process: object


def _start_load(name, command, bootstrap, directory):
    ack_log = directory / f"{name}.acks"
    arguments = [bootstrap, name, str(PARTITIONS), str(RECORDS_PER_SECOND), str(ack_log)]
    with open(directory / f"{name}.err", "wb") as errors:
        # pylint: disable=consider-using-with
        process = subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=errors, stderr=errors)
    return Load(name, ack_log, process)


def _size(directory):
    total = 0
    for folder, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.stat(os.path.join(folder, name)).st_size
            except OSError:
                continue  # deleted meanwhile
    return total


def _lines(loads):
    count = 0
    for load in loads:
        if load.ack_log.exists():
            with open(load.ack_log, "rb") as log:
                count += sum(1 for _ in log)
    return count


def wait_for(point, broker, loads):
    """Until the point is reached, or its time is up: a kill then is as good."""
    kind, amount = point
    started = time.monotonic()
    measure = {"ms": lambda: (time.monotonic() - started) * 1000,
               "ms of start-up": lambda: (time.monotonic() - started) * 1000,
               "bytes": lambda: _size(broker.data),
               "acknowledgements": lambda: _lines(loads)}[kind]
    first = measure() if kind in ("bytes", "acknowledgements") else 0
    while measure() - first < amount and time.monotonic() - started < POINT_WITHIN_S:
        if not broker.pid:
            raise BrokerError(f"ended by itself; the log ends with\n{broker.log_tail()}")
        time.sleep(0.001 if kind.startswith("ms") else 0.02)


def _wait_for_load(broker, loads):
    """Until each producer has been answered: kills before that would prove nothing."""
    for load in loads:
        wait_for(("acknowledgements", 1), broker, [load])


def _create_topics(broker):
    script = COMPAT / "java" / "bin" / "kafka-topics.sh"
    for name in ("java", "rdkafka"):
        subprocess.run([script, "--bootstrap-server", broker.bootstrap, "--create", "--topic", name,
                        "--partitions", str(PARTITIONS)], check=True, capture_output=True)


def _kill_and_restart(broker, loads, chance, count):
    for number in range(count):
        kind, fewest, most = chance.choice(POINTS)
        point = kind, chance.randint(fewest, most)
        print(f"  kill {number + 1} at {point[1]} {kind}", flush=True)
        if kind == "ms of start-up":
            broker.kill()
            broker.spawn()
        wait_for(point, broker, loads)
        broker.kill()
        broker.start()
        for load in loads:
            if load.process.poll() is not None:
                raise BrokerError(f"the {load.name} producer ended with {load.process.returncode}")


def _finish(broker, loads, directory):
    """Ends the producers, restarts the broker once more in good order, and reads everything."""
    for load in loads:
        load.process.stdin.close()
    for load in loads:
        load.process.wait(320)
    broker.stop()
    broker.start()
    pairs = [f"{load.name}={load.ack_log}" for load in loads]
    verified = subprocess.run([VENV / "bin/python", COMPAT / "kill/verify.py", broker.bootstrap, *pairs],
                              capture_output=True, text=True, check=False)
    errors = "".join((directory / f"{load.name}.err").read_text(errors="replace")[-1500:] for load in loads)
    return verified.returncode, verified.stdout + verified.stderr, errors


def run(directory, binary, seed, count):
    """The outcome of `count` kills."""
    name = f"kill: {count} of seed {seed}"
    started = time.monotonic()
    chance = random.Random(seed)
    broker = Broker.create(directory, binary, OVERRIDES)
    loads = []
    try:
        broker.start()
        _create_topics(broker)
        loads.append(_start_load("java", java_command("256m", "tools-log4j2.properties", "klamm.compat.KillLoad"), broker.bootstrap, directory))
        loads.append(_start_load("rdkafka", [VENV / "bin/python", COMPAT / "kill/rdkafka_load.py"], broker.bootstrap, directory))
        _wait_for_load(broker, loads)
        _kill_and_restart(broker, loads, chance, count)
        code, found, errors = _finish(broker, loads, directory)
        print("  " + found.strip().replace("\n", "\n  "), flush=True)
        broker.stop()
        why = "" if code == 0 else f"{found}\n{errors}"
    except (BrokerError, subprocess.SubprocessError) as error:
        why = str(error)
    finally:
        for load in loads:
            if load.process.poll() is None:
                load.process.kill()
                load.process.wait()
        if broker.pid:
            broker.kill()
    return Outcome(name, not why, time.monotonic() - started, why)
