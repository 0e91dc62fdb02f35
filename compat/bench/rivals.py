"""The two brokers of a bench, each in a fresh directory, and what /proc tells of their processes."""
import os
import time
from pathlib import Path

from harness.broker import READY_LINE, READY_WITHIN_S, Broker, BrokerError
from harness.paths import JAVA, LIBS

KLAMM, KAFKA = "klamm", "kafka"
# As kafka-server-start.sh and kafka-run-class.sh of Apache Kafka start a broker: its server gets no less than users give it.
KAFKA_JVM = ["-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
             "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent", "-Djava.awt.headless=true"]
POLL_S = 0.001
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def create(kind, directory, binary):
    """A broker of this kind, described and not started."""
    broker = Broker.create(directory, binary if kind == KLAMM else None, {"num.partitions": "1"})
    if kind == KAFKA:
        # The compatibility tests start a small JVM that compiles little; here it may compile all it likes.
        broker.command = ["java", *KAFKA_JVM, f"-Dlog4j2.configurationFile={JAVA / 'broker-log4j2.properties'}",
                          "-cp", f"{LIBS}/*", "kafka.Kafka", str(Path(directory) / "server.properties")]
    return broker


def start(broker):
    """Starts it; the seconds from the fork to its ready line."""
    started = time.monotonic()
    begins = broker.spawn()
    while time.monotonic() - started < READY_WITHIN_S:
        with open(broker.log, "rb") as log:
            log.seek(begins)
            if READY_LINE.encode() in log.read():
                return time.monotonic() - started
        if not broker.pid:
            raise BrokerError(f"ended before it was ready; the log ends with\n{broker.log_tail()}")
        time.sleep(POLL_S)
    raise BrokerError(f"not ready within {READY_WITHIN_S} s; the log ends with\n{broker.log_tail()}")


def cpu_seconds(broker):
    """CPU seconds of all its threads so far, user and system."""
    fields = Path(f"/proc/{broker.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def resident_mib(broker):
    """Its resident memory. The page cache, where both keep the log, is not in it."""
    for line in Path(f"/proc/{broker.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise BrokerError("/proc tells no resident memory")
