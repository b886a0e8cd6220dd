"""``autohealer zk`` as a test calls it: in this process, its output apart from its errors."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from autohealer.cli import main


@dataclass(frozen=True)
class Ended:
    """How a command has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class ZkCli:
    """Commands of ``autohealer zk``, each by the command line's own `main`."""

    def __init__(self, capsys: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys, self._monkeypatch = capsys, monkeypatch

    def __call__(self, *args: str, stdin: bytes | str = b"") -> Ended:
        """Run one, with this on its stdin."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(SystemExit) as ended:
            main(["zk", *args])
        out, err = self._capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code, out.decode("utf-8", "surrogateescape"), err.decode())

    def fine(self, *args: str, stdin: bytes | str = b"") -> str:
        """What one prints that ends well and has no complaint."""
        ended = self(*args, stdin=stdin)
        assert (ended.code, ended.err) == (0, ""), ended
        return ended.out
