"""A target for coverage-guided fuzzing, beside what hypothesis does in test_fuzz.

    pip install atheris
    python -m tests.zkserver.fuzz_target -max_total_time=600

Each input is what one peer sends after its handshake; a second peer has to be served afterwards as if nothing were.
"""

from __future__ import annotations

import importlib
import sys

SEEDS = "tests.zkserver.test_fuzz"


def main() -> None:
    atheris = importlib.import_module("atheris")  # not among our requirements
    with atheris.instrument_imports(include=["autohealer.zkserver"]):
        machine = importlib.import_module("tests.zkserver.machine")
        fuzz = importlib.import_module(SEEDS)

    def one_input(data: bytes) -> None:
        server = machine.Machine()
        peer = server.peer()
        peer.feed(data)
        peer.take()
        assert fuzz.still_serves(server)

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
