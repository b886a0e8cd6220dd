"""A file as it was read: its tables, and where each key stands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from autohealer.errors import UsageError

KeyPath = tuple[str | int, ...]
MOST_BYTES = 2**20


class Source(msgspec.Struct, frozen=True):
    """What the loader works on, whatever the file's form is."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[KeyPath, int]

    @property
    def directory(self) -> Path:
        """What relative paths in it are relative to."""
        return self.path.parent

    def error(self, text: str, path: KeyPath, hint: str = "") -> UsageError:
        """An error about a key, with the line of it, or of the nearest table around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return UsageError(f"{self.path}:{self.lines.get(path, 1)}: {text}", hint)


def read_text(path: Path) -> str:
    """The text of a configuration file. Raises UsageError."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UsageError(f"{path} is larger than a configuration can be", "name another file with --config")
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "name another file with --config") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8", "name another file with --config") from error
