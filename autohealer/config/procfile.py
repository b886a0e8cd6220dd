"""A Procfile as a `Source`: one pool a line, ``NAME: COMMAND``, with the ports that foreman gives."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autohealer.config.source import KeyPath, Source, read_text
from autohealer.errors import UsageError

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.*\S)\s*")
# What only a shell understands. An assignment before the command is of these, too.
_FOR_A_SHELL = re.compile(r"[|&;<>()$`*?\[\]{}~!#\n]|^\s*[A-Za-z_][A-Za-z0-9_]*=")
# Of these, what can stand in one command alone, which then takes the shell's place.
_SEVERAL_COMMANDS = re.compile(r"[|&;()`\n]|^\s*(?:if|for|while|until|case|cd|exec|export|set|source|\.|\{)\b|\$\(")
BASE = "AUTOHEALER_PORT_BASE"
USUAL_PORT = 5000
PORT_STEP = 100


def is_procfile(path: Path) -> bool:
    """By its name, as in ``Procfile``, ``Procfile.dev`` and ``web.procfile``."""
    return path.suffix == ".procfile" or (path.name.split(".")[0] == "Procfile" and path.suffix != ".toml")


def read(path: Path, environ: Mapping[str, str]) -> Source:
    """One worker for each line; ``.env`` beside it is read, and PORT is the base and 100 more for each line.

    The base is ``AUTOHEALER_PORT_BASE``, else 5000. Raises UsageError with the line that is none.
    """
    base = environ.get(BASE, "")
    first = int(base) if base.isascii() and base.isdigit() else USUAL_PORT
    pools: dict[str, dict[str, Any]] = {}
    lines: dict[KeyPath, int] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise UsageError(f"{path}:{number}: this is not of the form NAME: COMMAND", "see docs/configuration.md")
        name, command = found.groups()
        if name in pools:
            raise UsageError(f"{path}:{number}: there are two lines for {name}", "give one of them another name")
        try:
            argv = words(command)
        except ValueError as error:
            raise UsageError(f"{path}:{number}: a quotation is not closed", "close it, or escape it by \\") from error
        pools[name] = {"workers": 1, "command": argv, "port-base": first + PORT_STEP * len(pools)}
        if (path.parent / ".env").is_file():
            pools[name]["env-file"] = ".env"
        lines["pools", name] = number
    return Source(path, {"pools": pools}, lines)


def words(command: str) -> list[str]:
    """The command without a shell where it needs none; one simple command takes the shell's place by ``exec``."""
    if not _FOR_A_SHELL.search(command):
        return shlex.split(command)
    assigned = re.match(r"(?:\s*[A-Za-z_][A-Za-z0-9_]*=\S*)+\s+", command)
    if _SEVERAL_COMMANDS.search(command):
        return ["/bin/sh", "-c", command]
    if assigned is not None:
        return ["/bin/sh", "-c", f"{assigned[0]}exec {command[assigned.end() :]}"]
    return ["/bin/sh", "-c", f"exec {command}"]
