"""kill -9 under Kafka's own TransactionalMessageCopier with random aborts: what VerifiableProducer wrote is in the output once, in order."""
import os
import random
import signal
import subprocess
import threading
import time

from . import kills
from .broker import Broker, BrokerError
from .paths import COMPAT, VENV
from .scenarios import Outcome
from .toolhost import ToolHost

RECORDS_PER_SECOND = 300
COPIERS = 2
TRANSACTION_RECORDS = 50
DRAINED_WITHIN_S = 180
# The producer keeps its order and its patience; without this the tool gives up on the first failed send.
PRODUCER = "enable.idempotence=true\nretries=2147483647\ndelivery.timeout.ms=300000\nmax.block.ms=300000\nreconnect.backoff.max.ms=200\n"
CONSUMER = "isolation.level=read_committed\nreconnect.backoff.max.ms=200\n"


class Tool:
    """One of Kafka's tools in the shared JVM; its stdout goes to a file."""

    def __init__(self, name, directory, environment, *command):
        self.name, self.ack_log = name, directory / f"{name}.out"
        with open(self.ack_log, "ab") as out, open(directory / f"{name}.err", "ab") as err:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen([COMPAT / "java/bin/run-class", *command], stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment)

    def end(self):
        """As a signal would: its hooks run, and close what it has open."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Copier:
    """Starts the copier again whenever it has reached the end that the input had when it started."""

    def __init__(self, number, bootstrap, directory, environment):
        self.number, self.rounds, self.failure, self.stopping, self.tool = number, 0, None, False, None
        self.start = lambda: Tool(f"copier-{number}", directory, environment, "org.apache.kafka.tools.TransactionalMessageCopier",
                                  "--broker-list", bootstrap, "--input-topic", "in", "--input-partition", "-1", "--output-topic", "out",
                                  "--consumer-group", "copiers", "--transactional-id", f"copier-{number}", "--transaction-size", str(TRANSACTION_RECORDS),
                                  "--transaction-timeout", "30000", "--enable-random-aborts", "--group-mode", "--use-group-metadata")
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping:
            self.tool = self.start()
            code = self.tool.process.wait()
            if code and not self.stopping:
                self.failure = f"copier-{self.number} ended with {code}"
                return
            self.rounds += 1

    def end(self):
        self.stopping = True
        if self.tool:
            self.tool.end()
        self.thread.join(60)


def _create(bootstrap, environment):
    for name in ("in", "out"):
        subprocess.run([COMPAT / "java/bin/kafka-topics.sh", "--bootstrap-server", bootstrap, "--create", "--topic", name, "--partitions", str(kills.PARTITIONS)],
                       check=True, capture_output=True, env=environment)


def _kill(broker, producer, copiers, chance, count):
    for number in range(count):
        kind, fewest, most = chance.choice(kills.POINTS)
        point = kind, min(chance.randint(fewest, most), 1500) if kind == "acknowledgements" else chance.randint(fewest, most)
        if kind == "bytes":
            point = "ms", chance.randint(500, 4000)
        print(f"  kill {number + 1} at {point[1]} {point[0]}", flush=True)
        if point[0] == "ms of start-up":
            broker.kill()
            broker.spawn()
        kills.wait_for(point, broker, [producer])
        broker.kill()
        broker.start()
        failed = [copier.failure for copier in copiers if copier.failure]
        if producer.process.poll() is not None:
            failed.append(f"the producer ended with {producer.process.returncode}")
        if failed:
            raise BrokerError("; ".join(failed))


def _verify(broker, directory, *more):
    return subprocess.run([VENV / "bin/python", COMPAT / "kill/verify_copies.py", broker.bootstrap, directory / "producer.out", directory / "consumer.out", *more],
                          capture_output=True, text=True, check=False)


def run(directory, binary, seed, count):
    """The outcome of `count` kills."""
    started, chance, why = time.monotonic(), random.Random(seed), ""
    broker = Broker.create(directory, binary, kills.OVERRIDES)
    tools, copiers = [], []
    with ToolHost() as host:
        environment = dict(os.environ, COMPAT_TOOLHOST=host.port)
        try:
            broker.start()
            _create(broker.bootstrap, environment)
            (directory / "producer.properties").write_text(PRODUCER)
            (directory / "consumer.properties").write_text(CONSUMER)
            producer = Tool("producer", directory, environment, "org.apache.kafka.tools.VerifiableProducer", "--bootstrap-server", broker.bootstrap, "--topic", "in",
                            "--throughput", str(RECORDS_PER_SECOND), "--command-config", str(directory / "producer.properties"))
            consumer = Tool("consumer", directory, environment, "org.apache.kafka.tools.VerifiableConsumer", "--bootstrap-server", broker.bootstrap, "--topic", "out",
                            "--group-id", "watcher", "--verbose", "--command-config", str(directory / "consumer.properties"))
            tools = [producer, consumer]
            kills.wait_for(("acknowledgements", 100), broker, [producer])
            copiers = [Copier(number, broker.bootstrap, directory, environment) for number in range(COPIERS)]
            kills.wait_for(("acknowledgements", 3), broker, [consumer])
            _kill(broker, producer, copiers, chance, count)
            producer.end()
            deadline = time.monotonic() + DRAINED_WITHIN_S
            while _verify(broker, directory, "--only-count").returncode and time.monotonic() < deadline:
                time.sleep(1)
            for copier in copiers:
                copier.end()
            consumer.end()
            broker.stop()
            broker.start()
            verified = _verify(broker, directory)
            found = verified.stdout + verified.stderr
            print("  " + found.strip().replace("\n", "\n  "), flush=True)
            print(f"  copiers ran {[copier.rounds for copier in copiers]} times", flush=True)
            broker.stop()
            why = found if verified.returncode else ""
        except (BrokerError, subprocess.SubprocessError) as error:
            why = str(error) + "".join(f"\n{path.name}: {path.read_text(errors='replace')[-1200:]}" for path in directory.glob("*.err"))
        finally:
            for tool in [*tools, *copiers]:
                tool.end()
            if broker.pid:
                broker.kill()
    return Outcome(f"kill under transactions: {count} of seed {seed}", not why, time.monotonic() - started, why)
