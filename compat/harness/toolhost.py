"""The JVM in which the stock tools run, one for all scenarios of a run."""
import subprocess

from .paths import java_command


class ToolHost:
    """A context; its `port` goes to the scripts of compat/java/bin as COMPAT_TOOLHOST."""

    def __enter__(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(java_command("512m", "tools-log4j2.properties", "--add-opens", "java.base/java.lang=ALL-UNNAMED",
                                                     "klamm.compat.ToolHost"),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = self.process.stdout.readline().strip()
        if not self.port:
            raise RuntimeError("the tools' JVM did not start")
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
