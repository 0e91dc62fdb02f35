"""What of a transcript is not compared. Each mask and each difference stands in compat/README.md with its reason."""
import re

from .paths import CLIENTS, COMPAT

# (name, pattern, replacement). Applied in this order, line by line.
MASKS = [
    ("work", r"/tmp/compat-[\w./-]*?/work\.\w+", "WORK"),
    ("data", r"/[\w./-]+/data\b", "DATA"),
    ("port", r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    ("uuid", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"),
    ("id", r"(TopicId: |DirectoryId\W+|directoryId\W+)[\w-]{22}", r"\1ID"),
    ("id", r"^(\d+\s+)[\w-]{22}(?=\s)", r"\1ID"),
    ("date", r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[:.,]\d{3}", "DATE"),
    ("time", r"\b1[5-9]\d{11}\b", "TIME"),
    ("configs", r"(?<=\tConfigs: ).+", lambda found: ",".join(sorted(found.group().split(",")))),
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
    """{scenario: [(Kafka's line or None, Klamm's line or None)]} of CLIENT/differences.txt: where Klamm is meant to differ."""
    path = COMPAT / client / "differences.txt"
    found = {}
    scenario = kafka = None
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("["):
            scenario = line.strip("[]")
        elif line.startswith("-"):
            kafka = line[1:]
        elif line.startswith("+"):
            found.setdefault(scenario, []).append((kafka, line[1:]))
            kafka = None
    return found


def expect_of_klamm(expected, differences):
    """Kafka's transcript as Klamm is meant to print it."""
    replaced = {kafka: klamm for kafka, klamm in differences if kafka}
    return "".join(replaced.get(line, line) + "\n" for line in expected.splitlines())


def without_additions(actual, differences):
    """Klamm's transcript without the lines that only Klamm prints."""
    added = {klamm for kafka, klamm in differences if not kafka}
    return "".join(line + "\n" for line in actual.splitlines() if line not in added)


def unlisted():
    """The masks that compat/README.md does not list, and the scenarios whose differences it does not."""
    readme = (COMPAT / "README.md").read_text()
    names = {name for name, _, _ in MASKS}
    for client in CLIENTS:
        names |= set(read_differences(client))
    return sorted(name for name in names if f"`{name}`" not in readme)
