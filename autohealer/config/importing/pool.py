"""A pool as it is found in another supervisor's file, and how it is written as TOML."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from autohealer.config.load import IN_POOL
from autohealer.config.show import toml_value
from autohealer.config.values import read_value

Value = str | int | float | bool | list[str] | dict[str, str]
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
MOST_OF_A_NAME = 64


class ImportedPool(msgspec.Struct):
    """What was found of one program; ``remarks`` are what has no equal, with what to do about it."""

    name: str
    values: dict[str, Value] = msgspec.field(default_factory=dict)
    remarks: list[str] = msgspec.field(default_factory=list)

    def set(self, key: str, value: Value, of: str) -> None:
        """Take over a setting, if the value makes sense for the option; ``of`` is how it stood in the file."""
        if key not in IN_POOL:
            self.remark(of, "has no equal")
            return
        try:
            read_value(IN_POOL[key], value, Path())
        except ValueError as error:
            self.remark(of, str(error))
        else:
            is_number = isinstance(value, str) and value.isascii() and value.isdigit()
            self.values[key] = int(str(value)) if is_number and IN_POOL[key].option.kind.takes_numbers else value

    def remark(self, of: str, what: str) -> None:
        """Note a setting that is not taken over as it is."""
        self.remarks.append(f"{of}: {what}")


def simple_command(words: Iterable[str]) -> str | list[str]:
    """A command as one text where that reads well, and else as its words."""
    listed = list(words)
    text = " ".join(listed)
    return text if listed and shlex.split(shlex.join(listed)) == text.split() else listed


def pool_name(text: str) -> str:
    """The name with what no pool's name can have left out."""
    return _NOT_IN_A_NAME.sub("-", text).strip("-.")[:MOST_OF_A_NAME] or "pool"


def toml(pools: Iterable[ImportedPool], file: str, remarks: Iterable[str] = ()) -> str:
    """All of it, as a file for ``run --config``."""
    return "\n".join(_lines(list(pools), file, remarks)) + "\n"


def _lines(pools: list[ImportedPool], file: str, remarks: Iterable[str]) -> Iterator[str]:
    yield f"# From {_one_line(file)}. See what it says: `autohealer config show`; run it: `autohealer run --config`."
    for remark in remarks:
        yield f"# {_one_line(remark)}"
    taken: set[str] = set()
    for pool in pools:
        name = _free_name(pool_name(pool.name), taken)
        taken.add(name)
        yield ""
        yield f"[pools.{toml_key(name)}]"
        for key, value in pool.values.items():
            yield f"{key} = {toml_value(value)}"
        for remark in pool.remarks:
            yield f"# {_one_line(remark)}"


def toml_key(name: str) -> str:
    """A name as a key of TOML."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)


def _free_name(name: str, taken: set[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name}-{number}", number + 1
    return found


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
