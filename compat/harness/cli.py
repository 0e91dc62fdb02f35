"""compat/run."""
import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from . import kills, masks, results, scenarios, transaction_kills
from .broker import Broker, BrokerError
from .paths import CLIENTS
from .prepare import prepare
from .toolhost import ToolHost

KILLS = {"quick": 5, "long": 100}


def _parse():
    parser = argparse.ArgumentParser(prog="compat/run", description=__doc__)
    parser.add_argument("mode", nargs="?", choices=("quick", "long", "kill", "kill-transactions", *CLIENTS), help="what to run")
    parser.add_argument("--prepare", action="store_true", help="fetch the clients and build our own programs, and no more")
    parser.add_argument("--bin", help="Klamm's binary")
    parser.add_argument("--kafka", action="store_true", help="run against Apache Kafka instead")
    parser.add_argument("--record", action="store_true", help="with --kafka: write the expected transcripts")
    parser.add_argument("--only", metavar="SCENARIO", help="one scenario, by its file's name without the ending")
    parser.add_argument("--seed", type=int, default=1, help="kill: where the kills' points are drawn from")
    parser.add_argument("--kills", type=int, help="kill: how many")
    parser.add_argument("--results", type=Path, help="write the counts to this file")
    parser.add_argument("--keep", action="store_true", help="keep the brokers' directories")
    options = parser.parse_args()
    if not options.prepare and not options.mode:
        parser.error("name a mode")
    if options.mode and bool(options.bin) == options.kafka:
        parser.error("give --bin or --kafka")
    if options.record and not options.kafka:
        parser.error("--record goes with --kafka")
    return options


class Run:
    """One invocation: its temporary directory, its outcomes."""

    def __init__(self, options):
        self.options = options
        self.size = "long" if options.mode == "long" else "quick"
        self.directory = Path(tempfile.mkdtemp(prefix="compat-run-"))
        self.outcomes = []

    def report(self, outcome):
        self.outcomes.append(outcome)
        print(f"{'PASS' if outcome.passed else 'FAIL'} {outcome.name} ({outcome.seconds:.1f} s)", flush=True)
        if not outcome.passed:
            print("  " + outcome.why.replace("\n", "\n  "), flush=True)

    def play_client(self, client, binary, toolhost, live=None, silent=False):
        """Runs a client's scenarios, most against one fresh broker; returns their transcripts by name."""
        found = scenarios.find(client, self.size, self.options.only)
        together = [scenario for scenario in found if not scenario.wants_own_broker]
        alone = [[scenario] for scenario in found if scenario.wants_own_broker]
        transcripts = {}
        for number, group in enumerate([together, *alone] if together else alone):
            transcripts |= self._play_on_fresh(f"{client}-{number}", group, binary, toolhost, live, silent)
        return transcripts

    def _play_on_fresh(self, name, found, binary, toolhost, live, silent):
        client = found[0].client
        kind = "klamm" if binary else "kafka"
        transcripts = {}
        broker = Broker.create(self.directory / f"{name}-{kind}", binary, formatted=client == "java")
        try:
            seconds = broker.start()
            print(f"{kind} ready in {seconds:.1f} s for {client}", flush=True)
            for scenario in found:
                if not broker.pid:
                    broker.start()
                outcome, transcript = scenarios.run(scenario, broker, self.size, toolhost.port, self.options.record, live)
                transcripts[scenario.name] = transcript
                if not silent or not outcome.passed:
                    self.report(outcome)
            started = time.monotonic()
            broker.stop()
            self.report(scenarios.Outcome(f"{client}: {kind} stops on SIGTERM", True, time.monotonic() - started))
        except BrokerError as error:
            self.report(scenarios.Outcome(f"{client}: {kind}", False, 0, str(error)))
        finally:
            if broker.pid:
                broker.kill()
        return transcripts

    def play(self, clients):
        with ToolHost() as toolhost:
            for client in clients:
                live = None
                if self.size == "long" and self.options.bin:
                    live = self.play_client(client, None, toolhost, silent=True)
                self.play_client(client, self.options.bin, toolhost, live)

    def play_kills(self):
        count = self.options.kills or KILLS[self.size]
        if self.options.mode != "kill-transactions":
            self.report(kills.run(self.directory / "kill", self.options.bin, self.options.seed, count))
        # Minutes long, so not in the quick tier.
        if self.options.mode in ("kill-transactions", "long"):
            self.report(transaction_kills.run(self.directory / "kill-transactions", self.options.bin, self.options.seed, count))

    def close(self):
        if self.options.keep:
            print(f"kept {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)


def main():
    options = _parse()
    # A run that is told to end stops the brokers that it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by a signal"))
    prepare()
    if options.prepare:
        return 0
    unlisted = masks.unlisted()
    if unlisted:
        sys.exit(f"compat/README.md does not list {', '.join(unlisted)}")
    run = Run(options)
    at_commit = results.commit() if options.results else None
    started = time.monotonic()
    try:
        if not options.mode.startswith("kill"):
            run.play(CLIENTS if options.mode in ("quick", "long") else [options.mode])
        if options.mode in ("quick", "long", "kill", "kill-transactions") and not options.only:
            run.play_kills()
    finally:
        run.close()
    failed = sum(not outcome.passed for outcome in run.outcomes)
    if options.results:
        results.write(options, at_commit, run.outcomes, time.monotonic() - started)
    print(f"{len(run.outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0
