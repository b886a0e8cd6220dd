"""Builds the programs in C, which needs a C compiler, and compiles autohealer as every installation of it is."""

from __future__ import annotations

import compileall
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import autohealer

HERE = Path(__file__).resolve().parent / "programs"


class NoCompilerError(Exception):
    """There is no C compiler."""


@dataclass(frozen=True)
class Programs:
    """Where the built programs are."""

    folder: Path
    """Theirs, and for all that is measured with them: whoever made it removes it."""

    worker: Path
    floor: Path
    py_floor: Path


def build(folder: Path) -> Programs:
    """Compile into this folder. Raises NoCompilerError, or CalledProcessError with what the compiler said."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NoCompilerError("the benchmark's worker is written in C: install gcc")
    for name in ("worker", "floor"):
        source = HERE / f"{name}.c"
        subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-o", folder / name, source], check=True)
    # Whatever the environment says of that: else each start would compile what has changed since the last.
    compileall.compile_dir(Path(autohealer.__file__).parent, quiet=1)
    return Programs(folder, folder / "worker", folder / "floor", HERE / "floor.py")
