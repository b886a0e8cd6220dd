"""Builds the worker in Java: what a pool may run that knows nothing of autohealer."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.real_zookeeper import JARS

SOURCE = Path(__file__).with_name("CourseWorker.java")
LIBRARIES = f"{JARS}/zookeeper.jar:{JARS}/slf4j-nop.jar"
# Ten of them share a machine with the tests: quick to start rather than quick in the long run.
FLAGS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx32m")


def build(directory: Path) -> list[str]:
    """Compile the worker into ``directory``, and return the command line that runs it."""
    javac = ["javac", "-cp", LIBRARIES, "-d", str(directory), str(SOURCE)]
    built = subprocess.run(javac, capture_output=True, text=True, check=False)
    if built.returncode != 0:
        raise RuntimeError(f"the worker in Java does not compile:\n{built.stdout}{built.stderr}")
    return ["java", *FLAGS, "-cp", f"{LIBRARIES}:{directory}", SOURCE.stem]
