"""Fetches the clients into compat/.cache and builds the programs of our own. What is there and current is left alone."""
import hashlib
import os
import shutil
import subprocess
import sys

from .paths import CACHE, CLASSES, COMPAT, GO_BINARY, JAVA, LIBS, VENV


def _stamp(name, inputs):
    """Whether `name` was made from inputs of the same content; and a function that notes that it now was."""
    digest = hashlib.sha256()
    for path in sorted(inputs):
        digest.update(str(path.relative_to(COMPAT)).encode() + b"\0" + path.read_bytes())
    stamp = CACHE / f"{name}.stamp"
    current = stamp.exists() and stamp.read_text() == digest.hexdigest()
    return current, lambda: stamp.write_text(digest.hexdigest())


def _run(*command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    if result.returncode:
        sys.exit(f"prepare: {' '.join(map(str, command))} failed:\n{result.stdout}")


def _jars():
    current, done = _stamp("libs", [JAVA / "pom.xml"])
    if current and LIBS.is_dir():
        return
    print("prepare: stock Kafka tools from Maven Central")
    shutil.rmtree(LIBS, ignore_errors=True)
    _run("mvn", "-q", "-B", "-f", str(JAVA / "pom.xml"), "dependency:copy-dependencies", f"-DoutputDirectory={LIBS}")
    done()


def _classes():
    sources = list((JAVA / "src").rglob("*.java"))
    current, done = _stamp("classes", sources + [JAVA / "pom.xml"])
    if current and CLASSES.is_dir():
        return
    shutil.rmtree(CLASSES, ignore_errors=True)
    _run("javac", "-Xlint:all", "-Werror", "-d", str(CLASSES), "-cp", f"{LIBS}/*", *map(str, sources))
    done()


def _python():
    requirements = COMPAT / "python" / "requirements.txt"
    current, done = _stamp("venv", [requirements])
    if current and VENV.is_dir():
        return
    print("prepare: Python clients")
    shutil.rmtree(VENV, ignore_errors=True)
    _run(sys.executable, "-m", "venv", str(VENV))
    _run(str(VENV / "bin/pip"), "install", "-q", "-r", str(requirements))
    done()


def _go():
    sources = [path for path in (COMPAT / "go").iterdir() if path.suffix in (".go", ".mod", ".sum")]
    current, done = _stamp("go", sources)
    if current and GO_BINARY.exists():
        return
    print("prepare: Go client")
    _run("go", "build", "-p", "2", "-o", str(GO_BINARY), ".", cwd=COMPAT / "go", env=dict(os.environ, CGO_ENABLED="0"))
    done()


def prepare():
    CACHE.mkdir(exist_ok=True)
    _jars()
    _classes()
    _python()
    _go()
