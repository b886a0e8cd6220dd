"""Coverage-guided fuzzing by atheris, which `make fuzz` installs: python -m tests.fuzz TARGET [libFuzzer options]."""

from __future__ import annotations

import importlib
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Until the options say that it is enough, or a fault is found."""
    atheris = importlib.import_module("atheris")  # not among our requirements
    with atheris.instrument_imports(include=["autohealer"]):
        targets = importlib.import_module("tests.fuzz.targets")
    _, name, *options = sys.argv
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(targets.SEEDS.get(name, ())):
            Path(corpus, str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *options, corpus], targets.TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
