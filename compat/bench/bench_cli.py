"""compat/bench/run."""
import argparse
import datetime
import os
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path

import plots
import report
from figures import BenchError, Life
from harness.broker import BrokerError
from harness.paths import LIBS
from native import NativeLife
from partitions import PartitionsLife
from rivals import KAFKA, KLAMM

# The stock tools, the native generator, ten thousand partitions: a broker of its own for each.
PARTS = {"tools": Life, "native": NativeLife, "partitions": PartitionsLife}
HERE = Path(__file__).resolve().parent


def _parse():
    parser = argparse.ArgumentParser(prog="compat/bench/run", description=__doc__)
    parser.add_argument("--bin", required=True, help="Klamm's binary, a release build")
    parser.add_argument("--runs", type=int, default=2, help="how often each broker lives; medians are printed (default %(default)s)")
    parser.add_argument("--only", choices=(KLAMM, KAFKA), help="one of the two")
    parser.add_argument("--divide", type=int, default=1, help="so many times fewer records, for a quick look")
    parser.add_argument("--load", type=Path, help="the native generator, a release build; without it the stock tools alone measure")
    parser.add_argument("--part", choices=PARTS, action="append", help="only these parts (default: all that can be)")
    parser.add_argument("--idle-seconds", type=float, default=10, help="how long idleness is measured (default %(default)s)")
    parser.add_argument("--directory", type=Path, help="where the brokers put their data (default: the temporary directory)")
    parser.add_argument("--summary", type=Path, help="write the table with its circumstances to this file")
    options = parser.parse_args()
    options.said = " ".join(["compat/bench/run", *map(shlex.quote, sys.argv[1:])])
    options.part = options.part or [part for part in PARTS if part == "tools" or options.load]
    if not LIBS.is_dir():
        parser.error("no stock tools in compat/.cache: run make setup-compat")
    return options


def main():
    options = _parse()
    began, load = time.monotonic(), os.getloadavg()
    print(f"{report.machine()}; load average {load[0]:.1f}\n{report.FSYNC}", flush=True)
    if load[0] > os.cpu_count() / 2:
        print("other work is running on this machine: the figures will say so", flush=True)
    taken = []
    top = Path(tempfile.mkdtemp(prefix="bench-", dir=options.directory))
    try:
        for run in range(1, options.runs + 1):
            for kind in (KLAMM, KAFKA) if not options.only else (options.only,):
                print(f"run {run} of {options.runs}: {kind}", flush=True)
                directory = top / f"{kind}-{run}"
                for part, life in PARTS.items():
                    if part not in options.part:
                        continue
                    life(kind, directory, options, lambda figure, at=(run, kind): taken.append((*at, figure))).live()
                    # So that the next one starts with the same page cache and disk.
                    shutil.rmtree(directory)
                    shutil.rmtree(f"{directory}-probe", ignore_errors=True)
    except (BenchError, BrokerError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(top, ignore_errors=True)
        if taken:
            print(report.table(taken))
            name = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%dT%H%M%SZ}.csv"
            report.write_csv(HERE / "results" / name, taken)
            plots.draw(HERE / "results" / name, taken)
            print(f"all measurements: compat/bench/results/{name}; {(time.monotonic() - began) / 60:.1f} minutes")
    if options.summary:
        report.write_summary(options.summary, taken, options, load)
    return 0
