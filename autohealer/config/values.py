"""Values as they stand in a file, read by the kinds of their options. What is wrong raises ValueError."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autohealer.config.kinds import FilePath
from autohealer.config.options import Field

SHELL = "/bin/sh"


def read_value(field: Field, value: object, directory: Path) -> object:
    """The value of an option; paths are relative to the directory."""
    option = field.option
    if option.kind.is_pair:
        return _table(field, value)
    if option.many:
        if not isinstance(value, list):
            raise ValueError(f'this is an array, as in: {field.key} = ["{option.example}"]')
        return tuple(option.kind.read(one) for one in value)
    read = option.kind.read(value)
    return str(directory / str(read)) if isinstance(option.kind, FilePath) else read


def read_command(value: object, *, is_shell: bool) -> tuple[str, ...]:
    """The words of a command: an array of them, a text that is split, or a line for a shell."""
    if is_shell:
        if not isinstance(value, str):
            raise ValueError("with shell = true this is one text")
        return (SHELL, "-c", value)
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError as error:
            raise ValueError(f"{error} in {value!r}") from None
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return tuple(value)
    raise ValueError("this is neither a text nor an array of texts")


def _table(field: Field, value: object) -> dict[str, str]:
    """A table of names and texts, or an array of texts such as are typed: ``limit = ["nofile=4096"]``."""
    parse = field.option.kind.parse
    if isinstance(value, Mapping):
        return dict(parse(f"{_name(name)}={_text(name, content)}") for name, content in value.items())
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return dict(map(parse, value))
    name, _, content = field.option.example.partition("=")
    raise ValueError(f'this is a table, as in: {field.key} = {{ {name} = "{content}" }}')


def _name(name: str) -> str:
    if not name or "=" in name:
        raise ValueError(f"{name!r} cannot be the name of a variable")
    return name


def _text(name: str, content: Any) -> str:
    if isinstance(content, bool) or not isinstance(content, str | int | float):
        raise ValueError(f"the value of {name} is not a text")
    return str(content)
