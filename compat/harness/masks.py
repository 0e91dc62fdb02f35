"""What of a transcript is not compared. Each mask and each difference stands in compat/README.md with its reason."""
import re

from .paths import CLIENTS, COMPAT

# (name, pattern, replacement). Applied in this order, line by line.
MASKS = [
    ("work", r"/tmp/compat-[\w./-]*?/work\.\w+", "WORK"),
    ("data", r"/[\w./-]+/data\b", "DATA"),
    ("port", r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
    ("id", r"(TopicId: |TopicIdd: |Cluster ID: |ClusterId: +|DirectoryId\W+|directoryId\W+)[\w-]{22}", r"\1ID"),
    ("id", r"^(\d+\s+)[\w-]{22}(\s+\d)", r"\1ID\2"),
    ("date", r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[:.,]\d{3}", "DATE"),
    ("time", r"\b1[5-9]\d{11}\b", "TIME"),
]
_COMPILED = [(re.compile(pattern), replacement) for _, pattern, replacement in MASKS]


def mask(transcript):
    """The transcript as it is compared."""
    lines = []
    for line in transcript.splitlines():
        for pattern, replacement in _COMPILED:
            line = pattern.sub(replacement, line)
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"


def read_differences(client):
    """{scenario: [(Kafka's line, Klamm's line)]} of compat/CLIENT/differences.txt: where Klamm is meant to differ."""
    path = COMPAT / client / "differences.txt"
    found = {}
    if not path.exists():
        return found
    scenario = kafka = None
    for line in path.read_text().splitlines():
        if line.startswith("["):
            scenario = line.strip("[]")
        elif line.startswith("- "):
            kafka = line[2:]
        elif line.startswith("+"):
            found.setdefault(scenario, []).append((kafka, line[2:] if len(line) > 1 else None))
    return found


def expect_of_klamm(expected, differences):
    """Kafka's transcript with the lines replaced (or, for None, left out) that Klamm is meant to print differently."""
    by_line = dict(differences)
    lines = []
    for line in expected.splitlines():
        line = by_line.get(line, line)
        if line is not None:
            lines.append(line)
    return "\n".join(lines) + "\n"


def unlisted():
    """The masks that compat/README.md does not list, and the scenarios whose differences it does not."""
    readme = (COMPAT / "README.md").read_text()
    names = {name for name, _, _ in MASKS}
    for client in CLIENTS:
        names |= set(read_differences(client))
    return sorted(name for name in names if f"`{name}`" not in readme)
