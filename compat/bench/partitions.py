"""Ten topics of a thousand partitions: what they cost to make, to keep, to start again, and to start after kill -9."""
import os
import subprocess
import time

import rivals
from figures import Figure, run_tool

TOPICS, PARTITIONS = 10, 1_000
SETTLE_S, IDLE_S = 2, 20
# So that each partition has a record, and the flush of it has come and gone.
FLUSHED_S = 75


class PartitionsLife:
    """One broker with many partitions; `note` gets each figure."""

    def __init__(self, kind, directory, options, note):
        self.broker = rivals.create(kind, directory, options.bin)
        self.options, self._note = options, note

    def note(self, name, unit, value):
        self._note(Figure(f"10,000 partitions: {name}", unit, value, True))

    def live(self):
        """All of it. A failure leaves no process behind."""
        try:
            rivals.start(self.broker)
            self.note("create", "s", self.create())
            self.idle("after creating")
            self.restarts("clean", self.broker.stop)
            self.restarts("kill -9", self.broker.kill)
            self.idle("after a restart")
            self.fill()
            self.restarts("kill -9, one record in each", self.broker.kill)
        finally:
            if self.broker.pid:
                self.broker.kill()

    def create(self):
        """The stock tool, one topic after the other."""
        began = time.monotonic()
        for topic in range(TOPICS):
            run_tool("TopicCommand", "--bootstrap-server", self.broker.bootstrap, "--create", "--topic", f"many-{topic}",
                  "--partitions", PARTITIONS)
        return time.monotonic() - began

    def idle(self, when):
        time.sleep(SETTLE_S)
        before, began = rivals.cpu_seconds(self.broker), time.monotonic()
        time.sleep(IDLE_S)
        used = rivals.cpu_seconds(self.broker) - before
        self.note(f"memory {when}", "MiB", rivals.resident_mib(self.broker))
        self.note(f"idle CPU {when}", "% of a CPU", 100 * used / (time.monotonic() - began))
        self.note(f"open files {when}", "files", len(os.listdir(f"/proc/{self.broker.pid}/fd")))

    def restarts(self, how, end):
        """The shortest of three: what others do on the machine only adds to it."""
        taken = []
        for _ in range(3):
            end()
            ready = rivals.start(self.broker)
            taken.append((ready, rivals.cpu_seconds(self.broker)))
        self.note(f"ready after {how}", "s", min(ready for ready, _ in taken))
        self.note(f"CPU until ready after {how}", "CPU-s", min(cpu for _, cpu in taken))

    def fill(self):
        """One record in each partition, and time for the flush."""
        load = [str(self.options.load), "produce", "--broker", self.broker.bootstrap, "--record-bytes", "100",
                "--batch-bytes", "200", "--partitions", str(PARTITIONS), "--mib", str(PARTITIONS * 100 / (1 << 20))]
        for topic in range(TOPICS):
            subprocess.run([*load, "--topic", f"many-{topic}"], stdout=subprocess.DEVNULL, check=True)
        time.sleep(FLUSHED_S)
