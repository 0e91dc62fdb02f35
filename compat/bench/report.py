"""Figures as a table, as CSV, and as the summary that is committed."""
import csv
import datetime
import os
import platform
import statistics
import subprocess
from pathlib import Path

from harness.paths import TOP
from rivals import KAFKA, KLAMM

FSYNC = """\
Fsync: neither syncs before it acknowledges. Apache Kafka leaves it to the kernel (`log.flush.interval.messages` and `.ms`
at their defaults: never) but for rolls and a clean stop. Klamm answers from the page cache, too (`flush.before.ack` off, its
default), and syncs a directory in the background once 256 MiB or 60 s are unflushed, and at a clean stop."""
METHOD = """\
Both brokers run with the settings of `compat/harness/broker.py`: one node, broker and controller, PLAINTEXT, one partition a
topic; Kafka's JVM as its own scripts start it (1 GiB heap, G1). Clients are the stock perf tools with default settings
(acks=all, idempotence, batch.size 16384, linger.ms 5, no compression), on the same machine: they take their share of its
CPUs, so MiB/s is what both together do, and CPU-seconds per GiB, of the broker's process alone, is the figure to compare.
Before the first figure under load each broker has a warm-up of produce and consume. Memory is resident memory; the page cache holds both
logs and is not in it."""


def _git(*arguments):
    done = subprocess.run(["git", "-C", str(TOP), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine():
    """This machine in one line."""
    cpu = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return f"{os.cpu_count()} × {cpu}, {gib:.0f} GiB, Linux {platform.release()}"


def commit(binary):
    """The commit, and whether there is more than it or the binary is not of it."""
    changed = " with uncommitted changes" if _git("status", "--porcelain", "--untracked-files=no") not in ("", "unknown") else ""
    committed = _git("log", "-1", "--format=%ct")
    if committed.isdigit() and Path(binary).stat().st_mtime < int(committed):
        changed += ", but the binary was built before it"
    return _git("rev-parse", "--short", "HEAD") + changed


def _text(value):
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"


def rows(taken):
    """(figure, unit, median of Klamm, of Kafka, what is better) in the order of measuring; `taken` is [(run, kind, Figure)]."""
    names = list(dict.fromkeys((figure.name, figure.unit, figure.less) for _, _, figure in taken))
    made = []
    for name, unit, less in names:
        medians = []
        for kind in (KLAMM, KAFKA):
            values = [figure.value for _, of, figure in taken if of == kind and (figure.name, figure.unit) == (name, unit)]
            medians.append(statistics.median(values) if values else None)
        made.append((name, unit, *medians, less))
    return made


def _cells(row):
    name, unit, klamm, kafka, less = row
    # A zero is below what the tool can tell.
    ratio = f"{klamm / kafka:.2f}" if klamm and kafka else "-"
    better = "less" if less else "more"
    return [f"{name} ({unit})", *("-" if value is None else _text(value) for value in (klamm, kafka)), ratio, better]


HEAD = ["figure", "Klamm", "Kafka 4.3.1", "ratio", "better"]


def table(taken):
    """For a terminal."""
    lines = [HEAD, *map(_cells, rows(taken))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) if column == 0 else cell.rjust(width)
                               for column, (cell, width) in enumerate(zip(line, widths))) for line in lines)


def write_csv(path, taken):
    """Every single measurement."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["run", "broker", "figure", "unit", "value"])
        for run, kind, figure in taken:
            writer.writerow([run, kind, figure.name, figure.unit, f"{figure.value:.6g}"])


def write_summary(path, taken, options, load):
    """The table with all that one needs to judge it."""
    lines = ["# Klamm beside Apache Kafka 4.3.1", "",
             f"- command: `{options.said}`",
             f"- commit: {commit(options.bin)}",
             f"- date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
             f"- machine: {machine()}; load average {load[0]:.1f} before, {os.getloadavg()[0]:.1f} at the end",
             f"- Klamm and Kafka in turn; runs of each, of which the median stands below: {options.runs}", "",
             METHOD, "", FSYNC, "",
             "| " + " | ".join(HEAD) + " |", "| --- | ---: | ---: | ---: | --- |",
             *("| " + " | ".join(_cells(row)) + " |" for row in rows(taken))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
