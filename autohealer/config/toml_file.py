"""TOML as a `Source`: its tables by tomllib, and the line of each key.

tomllib tells what a file says, and not where. So the file is cut into statements, each the fewest lines that are TOML
by themselves: it is still tomllib alone that knows the language.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from autohealer.config.source import KeyPath, Source, read_text
from autohealer.errors import UsageError

_POSITION = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
LONGEST_STATEMENT = 1000
"""Lines: a text or array of more is not looked into."""


def read(path: Path) -> Source:
    """A TOML file. Raises UsageError with the line where it is none."""
    text = read_text(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _POSITION.search(str(error))
        line = at[1] if at and at[1] else text.count("\n") + 1
        what = str(error)[: at.start()] if at else str(error)
        raise UsageError(f"{path}:{line}: this is no TOML: {what}", "see https://toml.io") from error
    return Source(path, data, key_lines(text))


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line of each key and table, by its path: ``("pools", "web", "workers")``. Lines count from 1.

    The text is TOML that holds. Tables of an array are counted from 0: ``("notify", 0, "webhook")``.
    """
    found: dict[KeyPath, int] = {}
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    for number, statement, parsed in _statements(text):
        if statement.startswith("[["):
            table = _header(parsed)
            counts[table] = counts.get(table, -1) + 1
            table = (*table, counts[table])
            found.setdefault(table, number)
        elif statement.startswith("["):
            table = _header(parsed)
            found.setdefault(table, number)
        else:
            for path in _paths(parsed):
                found.setdefault((*table, *path), number)
    return found


def _statements(text: str) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The statements, each with its first line and what it says by itself."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        for end in range(at + 1, min(len(lines), at + LONGEST_STATEMENT) + 1):
            statement = "\n".join(lines[at:end])
            try:
                parsed = tomllib.loads(statement)
            except tomllib.TOMLDecodeError:
                continue
            if parsed:
                yield at + 1, statement.lstrip(), parsed
            at = end
            break
        else:
            at += 1


def _header(parsed: Any) -> KeyPath:
    """The path of a table's header, which is parsed to nested tables (or arrays) of one key each."""
    path: list[str | int] = []
    while parsed:
        if isinstance(parsed, list):
            (parsed,) = parsed
        else:
            ((key, parsed),) = parsed.items()
            path.append(key)
    return tuple(path)


def _paths(parsed: Mapping[str, Any]) -> Iterator[KeyPath]:
    for key, value in parsed.items():
        yield (key,)
        if isinstance(value, Mapping):
            for path in _paths(value):
                yield (key, *path)
