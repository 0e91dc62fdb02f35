"""What is measured of one broker, in the order of its life."""
import re
import subprocess
import time
from dataclasses import dataclass

import rivals
from harness.paths import JAVA, LIBS

# As kafka-producer-perf-test.sh starts it.
TOOL_JVM = ["-Xmx512M", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"]
TOOL_TIMEOUT_S = 300
SETTLE_S = 2
WARM_UP_RECORDS, WARM_UP_BYTES = 150_000, 1024
LATENCY_RECORDS, LATENCY_BYTES = 5_000, 100
GIB = 1 << 30

# Record size in bytes and records: seconds of work each.
LOADS = ((100, 2_000_000), (1024, 500_000), (10_240, 60_000))


class BenchError(Exception):
    """A tool failed or did not do what was asked: no figure of such a run means anything."""


@dataclass(frozen=True)
class Figure:
    """One number; `less` says whether less is better."""
    name: str
    unit: str
    value: float
    less: bool


def run_tool(name, *arguments):
    """What a stock tool prints."""
    command = ["java", *TOOL_JVM, f"-Dlog4j2.configurationFile={JAVA / 'tools-log4j2.properties'}", "-cp", f"{LIBS}/*",
               f"org.apache.kafka.tools.{name}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False)
    if done.returncode:
        raise BenchError(f"{name} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _found(pattern, text, tool):
    match = re.search(pattern, text)
    if not match:
        raise BenchError(f"{tool} printed no result:\n{text[-2000:]}")
    return [float(number) for number in match.groups()]


def _produce(broker, topic, size, count):
    """Records, MiB/s, mean latency in ms, as the tool counts; records that failed are a failure here."""
    out = run_tool("ProducerPerformance", "--bootstrap-server", broker.bootstrap, "--topic", topic, "--num-records", count,
                "--record-size", size, "--throughput", -1, "--reporting-interval", 600_000)
    last = [line for line in out.splitlines() if "records sent" in line][-1:]
    sent, rate, latency = _found(r"(\d+) records sent, .*?\(([\d.]+) MB/sec\), ([\d.]+) ms avg", "".join(last), "ProducerPerformance")
    if sent != count:
        raise BenchError(f"{sent:.0f} of {count} records sent:\n{out[-2000:]}")
    return rate, latency


def _consume(broker, topic, count):
    """MiB/s of fetching, without the time in which the group formed."""
    out = run_tool("ConsumerPerformance", "--bootstrap-server", broker.bootstrap, "--topic", topic, "--num-records", count,
                "--hide-header")
    lines = [line.split(", ") for line in out.splitlines() if line.count(", ") == 9]
    if not lines or int(lines[-1][4]) < count:
        raise BenchError(f"fewer than {count} records were consumed:\n{out[-2000:]}")
    return float(lines[-1][8])


def _label(size):
    return f"{size} B" if size < 1024 else f"{size // 1024} KiB"


class Life:
    """One broker from its first start to its end; `note` gets each figure."""

    def __init__(self, kind, directory, options, note):
        self.broker = rivals.create(kind, directory, options.bin)
        self.options = options
        self._note = note

    def note(self, name, unit, value, less=True):
        self._note(Figure(name, unit, value, less))

    def live(self):
        """All of it. A failure leaves no process behind."""
        try:
            self.note("ready, first start", "s", rivals.start(self.broker))
            self.idle("before load")
            _produce(self.broker, "warm-up", WARM_UP_BYTES, WARM_UP_RECORDS // self.options.divide)
            _consume(self.broker, "warm-up", WARM_UP_RECORDS // self.options.divide)
            for size, count in LOADS:
                self.load(size, count // self.options.divide)
            self.latency()
            self.note("memory after load", "MiB", rivals.resident_mib(self.broker))
            self.broker.stop()
            self.note("ready, restart", "s", rivals.start(self.broker))
        finally:
            if self.broker.pid:
                self.broker.kill()

    def idle(self, when):
        """Memory and CPU with nothing to do."""
        time.sleep(SETTLE_S)
        before, began = rivals.cpu_seconds(self.broker), time.monotonic()
        time.sleep(self.options.idle_seconds)
        used = rivals.cpu_seconds(self.broker) - before
        self.note(f"idle memory {when}", "MiB", rivals.resident_mib(self.broker))
        self.note(f"idle CPU {when}", "% of a CPU", 100 * used / (time.monotonic() - began))

    def load(self, size, count):
        """Produce, then consume, `count` records of `size` bytes."""
        topic, label, gib = f"bench-{size}", _label(size), size * count / GIB
        before = rivals.cpu_seconds(self.broker)
        rate, latency = _produce(self.broker, topic, size, count)
        produced = rivals.cpu_seconds(self.broker)
        self.note(f"produce {label}", "MiB/s", rate, less=False)
        self.note(f"produce {label}, mean latency under load", "ms", latency)
        self.note(f"produce {label}, broker CPU", "CPU-s/GiB", (produced - before) / gib)
        rate = _consume(self.broker, topic, count)
        self.note(f"consume {label}", "MiB/s", rate, less=False)
        self.note(f"consume {label}, broker CPU", "CPU-s/GiB", (rivals.cpu_seconds(self.broker) - produced) / gib)

    def latency(self):
        """From send to poll, one record at a time, acks=all. The tool's percentiles are whole milliseconds."""
        out = run_tool("EndToEndLatency", "--bootstrap-server", self.broker.bootstrap, "--topic", "latency", "--num-records",
                    LATENCY_RECORDS // self.options.divide, "--producer-acks", "all", "--record-size", LATENCY_BYTES)
        mean, = _found(r"Avg latency: ([\d.]+)", out, "EndToEndLatency")
        self.note("end to end, mean", "ms", mean)
        percentiles = _found(r"50th = ([\d.]+), 99th = ([\d.]+), 99\.9th = ([\d.]+)", out, "EndToEndLatency")
        for name, value in zip(("p50", "p99", "p99.9"), percentiles):
            self.note(f"end to end, {name}", "ms", value)
