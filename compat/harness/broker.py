"""One broker (Klamm or Apache Kafka) that lives in a directory: broker.json, pid, log, data.

Everything about it is in that directory, so that any process can stop, kill or start it: a scenario through
`compat/broker stop "$BROKER_DIR"`, the harness through this class.
"""
import json
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

from .paths import java_command

READY_LINE = "Kafka Server started"
READY_WITHIN_S = 90
STOP_WITHIN_S = 60
# Below the range from which the kernel draws client ports, so that a restart finds its port free.
FIRST_PORT, LAST_PORT = map(int, os.environ.get("COMPAT_PORTS", "20000-32000").split("-"))
CLUSTER_ID = "Y29tcGF0LWtsYW1tLXRlcw"

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "5",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "log.cleaner.backoff.ms": "200",
}


class BrokerError(Exception):
    """The broker did not start, stop or stay alive."""


def free_port():
    while True:
        port = random.randint(FIRST_PORT, LAST_PORT)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def is_alive(pid):
    """Whether the process runs; one whose first thread has ended holds its files until the others have too."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z" or threads > 1


class Broker:
    """A handle on the broker of a directory."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.log = self.directory / "broker.log"
        self.data = self.directory / "data"
        described = json.loads((self.directory / "broker.json").read_text())
        self.command = described["command"]
        self.bootstrap = described["bootstrap"]
        self.kind = described["kind"]

    @classmethod
    def create(cls, directory, binary=None, overrides=None, formatted=False):
        """Describes a broker: Klamm's `binary`, or Apache Kafka where that is None. Does not start it.

        Where `formatted`, Klamm too gets a directory from the stock kafka-storage tool; else it makes its own.
        """
        directory = Path(directory)
        directory.mkdir(parents=True)
        port, controller = free_port(), free_port()
        settings = dict(SETTINGS)
        settings["listeners"] = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"
        settings["advertised.listeners"] = f"PLAINTEXT://127.0.0.1:{port}"
        settings["log.dirs"] = str(directory / "data")
        settings.update(overrides or {})
        if binary:
            if formatted:
                settings["controller.quorum.bootstrap.servers"] = f"127.0.0.1:{controller}"
                cls._format(directory, settings)
            else:
                settings["controller.quorum.voters"] = f"1@127.0.0.1:{controller}"
            settings["klamm.http.listener"] = f"127.0.0.1:{free_port()}"
            command = [str(Path(binary).resolve())]
            for key, value in settings.items():
                command += ["--override", f"{key}={value}"]
        else:
            settings["controller.quorum.bootstrap.servers"] = f"127.0.0.1:{controller}"
            properties = cls._format(directory, settings)
            command = java_command("512m", "broker-log4j2.properties", "kafka.Kafka", str(properties))
        (directory / "broker.json").write_text(json.dumps({
            "kind": "klamm" if binary else "kafka",
            "bootstrap": f"127.0.0.1:{port}",
            "command": command,
        }))
        return cls(directory)

    @staticmethod
    def _format(directory, settings):
        """Formats the data directory with the stock tool; returns the properties file."""
        properties = directory / "server.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        # With that feature Kafka sets min.insync.replicas on the cluster and shows it on every topic.
        formatted = subprocess.run(
            java_command("256m", "tools-log4j2.properties", "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID,
                         "-c", str(properties), "--standalone", "--feature", "eligible.leader.replicas.version=0"),
            capture_output=True, text=True, check=False)
        if formatted.returncode:
            raise BrokerError(f"kafka-storage format: {formatted.stdout}{formatted.stderr}")
        return properties

    @property
    def pid(self):
        """The running broker's process id, or None."""
        try:
            pid = int((self.directory / "pid").read_text())
        except (OSError, ValueError):
            return None
        return pid if is_alive(pid) else None

    def spawn(self):
        """Starts it without waiting; returns where in the log this run begins."""
        if self.pid:
            raise BrokerError(f"already running as {self.pid}")
        begins = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            # pylint: disable=consider-using-with
            child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     cwd=self.directory, start_new_session=True)
        (self.directory / "pid").write_text(str(child.pid))
        return begins

    def wait_ready(self, begins):
        """Waits for the ready line of the run whose log begins at `begins`; returns the seconds that took."""
        started = time.monotonic()
        while time.monotonic() - started < READY_WITHIN_S:
            with open(self.log, "rb") as log:
                log.seek(begins)
                if READY_LINE.encode() in log.read():
                    return time.monotonic() - started
            if not self.pid:
                raise BrokerError(f"ended before it was ready; the log ends with\n{self.log_tail()}")
            time.sleep(0.02)
        raise BrokerError(f"not ready within {READY_WITHIN_S} s; the log ends with\n{self.log_tail()}")

    def start(self):
        """Starts it and waits until it is ready; returns the seconds that took."""
        return self.wait_ready(self.spawn())

    def _signal_and_wait(self, number, within_s):
        pid = self.pid
        if not pid:
            raise BrokerError(f"is not running; the log ends with\n{self.log_tail()}")
        os.kill(pid, number)
        deadline = time.monotonic() + within_s
        while is_alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                raise BrokerError(f"did not end within {within_s} s of signal {number}")
            time.sleep(0.02)
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass  # started by another process, which reaps it

    def stop(self):
        """SIGTERM, and waits for the end."""
        self._signal_and_wait(signal.SIGTERM, STOP_WITHIN_S)

    def kill(self):
        """SIGKILL."""
        self._signal_and_wait(signal.SIGKILL, 10)

    def log_tail(self, lines=20):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
