"""What the native generator measures: both brokers in turn, and the machine's own limit beside each.

`load` (protocol-tests/src/bin/load) sends requests that were encoded once, so that the broker's cost shows where a JVM's
would hide it. Its probe receives, sums, appends and answers frames of the same sizes and does nothing else.
"""
import os
import subprocess
import time
from pathlib import Path

import rivals
from figures import BenchError, Figure

TIMEOUT_S = 300
SETTLE_S = 1
# Name, bytes of a record, bytes of a batch, MiB to send.
SIZES = (("100 B, 16 KiB batches", 100, 16_384, 384), ("1 KiB, 16 KiB batches", 1024, 16_384, 768),
         ("10 KiB, 16 KiB batches", 10_240, 16_384, 768), ("1 KiB, 128 KiB batches", 1024, 131_072, 1024),
         ("1 KiB, 1 MiB batches", 1024, 1_000_000, 1024), ("100 B, single records", 100, 200, 16))
# Connections, and partitions over which each of them writes.
SPREADS = ((1, 1), (4, 1), (16, 1), (16, 16), (64, 64))
# Requests a second of 1 KiB in 16 KiB batches: far below what either broker bears, and near Kafka's limit.
RATES = (500, 2_000, 6_000)
PROBE_PORT = 25_990


def _load(binary, *arguments):
    command = [str(binary), *map(str, arguments)]
    quiet = {**os.environ, "RUST_BACKTRACE": "0"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, env=quiet)
    if done.returncode:
        raise BenchError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    words = done.stdout.split()
    return {key: float(value) for key, _, value in (word.partition("=") for word in words[1:]) if key != "topic"}


class Probe:
    """A process of the probe, and what the same load costs it."""

    def __init__(self, binary, directory):
        self.binary, self.directory = binary, Path(directory)
        self.directory.mkdir(parents=True)
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen([str(binary), "probe", "--port", str(PROBE_PORT), "--directory", str(directory)],
                                        stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def produce(self, *arguments):
        found = _load(self.binary, "produce", "--broker", f"127.0.0.1:{PROBE_PORT}", "--pid", self.process.pid, "--raw",
                      *arguments)
        for file in self.directory.iterdir():
            file.unlink()
        return found

    def end(self):
        self.process.kill()
        self.process.wait()


class NativeLife:
    """One broker under the native generator; `note` gets each figure."""

    def __init__(self, kind, directory, options, note):
        self.broker = rivals.create(kind, directory, options.bin)
        self.binary, self.divide = options.load, options.divide
        self.probe = Probe(self.binary, f"{directory}-probe") if kind == rivals.KLAMM else None
        self._note = note

    def note(self, name, unit, value, less=True):
        self._note(Figure(name, unit, value, less))

    def produce(self, *arguments):
        return _load(self.binary, "produce", "--broker", self.broker.bootstrap, "--pid", self.broker.pid, *arguments)

    def live(self):
        """All of it. A failure leaves no process behind."""
        try:
            rivals.start(self.broker)
            time.sleep(SETTLE_S)
            self.produce("--topic", "warm-up", "--mib", 256 // self.divide)
            for name, record, batch, mib in SIZES:
                self.size(name, ("--record-bytes", record, "--batch-bytes", batch, "--mib", max(mib // self.divide, 1)))
            for connections, partitions in SPREADS:
                found = self.produce("--connections", connections, "--partitions", partitions, "--mib", 512 // self.divide)
                name = f"native produce 1 KiB, {connections} connections, {partitions} partitions"
                self.note(name, "CPU-s/GiB", found["cpu_s_gib"])
                self.note(name, "MiB/s", found["mib_s"], less=False)
            for rate in RATES:
                found = self.produce("--rate", rate, "--mib", max(rate * 15 // 1024 * 8 // self.divide, 4))
                for percentile in ("p50", "p99", "p999"):
                    self.note(f"native latency at {rate} requests/s, {percentile}", "us", found[f"{percentile}_us"])
                self.note(f"native produce at {rate} requests/s", "CPU us/request", found["us_request"])
            idle = _load(self.binary, "idle", "--broker", self.broker.bootstrap, "--pid", self.broker.pid)
            self.note("an idle connection", "bytes", max(idle["bytes_connection"], 0))
        finally:
            if self.broker.pid:
                self.broker.kill()
            if self.probe:
                self.probe.end()

    def size(self, name, arguments):
        """Produce and fetch of one size, with the probe beside it."""
        topic = "native-" + "".join(letter for letter in name if letter.isalnum())
        found = self.produce("--topic", topic, *arguments)
        self.note(f"native produce {name}", "CPU-s/GiB", found["cpu_s_gib"])
        self.note(f"native produce {name}", "CPU us/request", found["us_request"])
        self.note(f"native produce {name}", "MiB/s", found["mib_s"], less=False)
        if self.probe:
            limit = self.probe.produce(*arguments)
            self.note(f"probe {name}", "CPU-s/GiB", limit["cpu_s_gib"])
            self.note(f"share of the probe, {name}", "%", 100 * limit["us_request"] / found["us_request"], less=False)
        if "single" in name:
            return
        read = _load(self.binary, "fetch", "--broker", self.broker.bootstrap, "--pid", self.broker.pid, "--topic", topic)
        self.note(f"native fetch {name}", "CPU-s/GiB", read["cpu_s_gib"])
