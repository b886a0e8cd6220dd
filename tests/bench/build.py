"""Builds the programs in C; needs a C compiler."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent / "programs"


class NoCompilerError(Exception):
    """There is no C compiler."""


@dataclass(frozen=True)
class Programs:
    """Where the built programs are."""

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
    return Programs(folder / "worker", folder / "floor", HERE / "floor.py")
