"""compat/RESULTS.md: what the last long run showed."""
import datetime
import os
import platform
import subprocess

from .paths import TOP


def _git(*arguments):
    return subprocess.run(["git", "-C", str(TOP), *arguments], capture_output=True, text=True, check=True).stdout.strip()


def commit():
    """What is checked out; taken before a run, since it may change during it."""
    changed = " with uncommitted changes" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return _git("rev-parse", "--short", "HEAD") + changed


def write(options, at_commit, outcomes, seconds):
    failed = [outcome for outcome in outcomes if not outcome.passed]
    lines = [
        "# The last recorded run",
        "",
        "Written by `compat/run --results` (`make test-long`).",
        "",
        f"- broker: {'Apache Kafka 4.3.1' if options.kafka else 'Klamm'}, commit {at_commit}",
        f"- date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC",
        f"- machine: {os.cpu_count()} CPUs, Linux {platform.release()}",
        f"- mode: {options.mode}, {seconds / 60:.1f} minutes",
        f"- {len(outcomes) - len(failed)} passed, {len(failed)} failed",
        "",
        "| scenario | outcome | seconds |",
        "| --- | --- | --- |",
    ]
    lines += [f"| {outcome.name} | {'pass' if outcome.passed else '**fail**'} | {outcome.seconds:.1f} |" for outcome in outcomes]
    options.results.write_text("\n".join(lines) + "\n")
