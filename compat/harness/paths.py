"""Where things are."""
from pathlib import Path

COMPAT = Path(__file__).resolve().parent.parent
TOP = COMPAT.parent
CACHE = COMPAT / ".cache"
LIBS = CACHE / "libs"
CLASSES = CACHE / "classes"
VENV = CACHE / "venv"
GO_BINARY = CACHE / "go-scenarios"
JAVA = COMPAT / "java"

CLIENTS = ("java", "kcat", "python", "go")


def java_command(heap, log_config, *rest):
    """The start of a java command line with small footprint; `rest` is the class and its arguments."""
    return ["java", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto",
            f"-Dlog4j2.configurationFile={JAVA / log_config}", "-cp", f"{LIBS}/*:{CLASSES}", *rest]
