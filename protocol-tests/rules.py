#!/usr/bin/env python3
"""Prints rule -> the tests that prove it, and fails if a rule that is due has none.

A rule stands in RULES.md as `- P4 text`; *(later)* marks those that are not due. A test proves the rules whose ids open
its name: `fn p4_p5_...` in Rust, or a scenario file `f1_f12_....py` below compat/.
"""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
RULE = re.compile(r"^- ([A-Z]\d+) (\*\(later\)\*)?")
TEST = re.compile(r"#\[(?:tokio::)?test[^\]]*\][^{;]*?fn ((?:[a-z]\d+_)+\w*)", re.S)
PROPERTY = re.compile(r"proptest! *\{.*", re.S)
GOLDEN = re.compile(r"^golden! *\{([^}]*)\}", re.M)
IDS = re.compile(r"^((?:[a-z]\d+_)+)")


def rules():
    for line in (TOP / "protocol-tests" / "RULES.md").read_text().splitlines():
        found = RULE.match(line)
        if found:
            yield found.group(1), bool(found.group(2))


def tests():
    for path in sorted([*TOP.glob("src/**/*.rs"), *TOP.glob("protocol-tests/**/*.rs")]):
        text = path.read_text()
        names = set(TEST.findall(text))
        for block in PROPERTY.findall(text):
            names.update(re.findall(r"fn ((?:[a-z]\d+_)+\w*)", block))
        for block in GOLDEN.findall(text):
            names.update(name for name in block.split() if IDS.match(name))
        for name in sorted(names):
            yield path.relative_to(TOP), name
    for path in sorted(TOP.glob("compat/**/scenarios/**/*")):
        if IDS.match(path.name) and path.is_file():
            yield path.relative_to(TOP), path.stem


def main():
    proofs = {}
    for path, name in tests():
        for rule in IDS.match(name).group(1).strip("_").split("_"):
            proofs.setdefault(rule.upper(), []).append(f"{path}: {name}")
    gaps = []
    for rule, later in rules():
        proven = proofs.get(rule, [])
        print(f"{rule:4} " + ("; ".join(proven) if proven else "(later)" if later else "NOT PROVEN"))
        if not proven and not later:
            gaps.append(rule)
    if gaps:
        print(f"rules without a test: {' '.join(gaps)}", file=sys.stderr)
        sys.exit(1)


main()
