"""Is the command of a pool runnable, and where is it? Asked once, at the start of the agent."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from autohealer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Command(NamedTuple):
    """What to execute: the file, and the arguments as they were typed (``argv[0]`` included)."""

    path: str
    argv: tuple[str, ...]


def resolve_command(argv: Sequence[str], environ: Mapping[str, str], cwd: str) -> Command:
    """Find the file that ``argv[0]`` means for a worker with this environment and working directory.

    Raises `UsageError` if it cannot be executed, for every cause that can be seen beforehand: what fails at
    the start fails once, with one line; what fails later is a crash loop.
    """
    _check_directory(cwd)
    if not argv or not argv[0]:
        raise UsageError("there is no command to run", "write it after --, as in: autohealer run 10 -- sleep 60")
    if any("\0" in argument for argument in argv):
        raise UsageError("an argument of the command holds a NUL character", "no program can be given one")
    name = argv[0]
    path = os.path.join(cwd, name) if "/" in name else _search(name, environ, cwd)
    _check_file(path, name)
    _check_format(path, name)
    return Command(path, tuple(argv))


def _check_directory(cwd: str) -> None:
    if not Path(cwd).is_dir():
        problem = "is not a directory" if os.path.exists(cwd) else "does not exist"
        raise UsageError(f"the working directory {cwd} {problem}", "name another one with --cwd")
    if not os.access(cwd, os.X_OK):
        raise UsageError(f"the working directory {cwd} may not be entered", "name another one with --cwd")


def _search(name: str, environ: Mapping[str, str], cwd: str) -> str:
    """Find a command as execvp does: the first executable file, an empty entry of PATH meaning ``cwd``."""
    candidates = [os.path.join(cwd, entry, name) for entry in environ.get("PATH", os.defpath).split(":")]
    files = [path for path in candidates if Path(path).is_file()]
    for path in files:
        if os.access(path, os.X_OK):
            return path
    if files:
        return files[0]  # it is there and may not be executed: the check of the file says so
    hint = "check its spelling and PATH, or give its path"
    if Path(cwd, name).is_file():
        hint = f"did you mean ./{name}?"
    raise UsageError(f"command not found: {name}", hint)


def _check_file(path: str, name: str) -> None:
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        raise UsageError(f"command not found: {name}", f"there is no file {path}") from None
    except OSError as error:
        raise UsageError(f"cannot execute {name}: {error.strerror}", f"look at {path}") from None
    if stat.S_ISDIR(mode):
        raise UsageError(f"cannot execute {name}: it is a directory", "give the path of a program")
    if not stat.S_ISREG(mode):
        raise UsageError(f"cannot execute {name}: it is not a file", "give the path of a program")
    if not os.access(path, os.X_OK):
        raise UsageError(f"{name} is not executable", f"make it so: chmod +x {shlex.quote(path)}")


def _check_format(path: str, name: str) -> None:
    """Refuse what the kernel will not execute.

    A shell runs a script without a ``#!`` line by /bin/sh; the kernel, and so posix_spawn, does not.
    """
    try:
        with open(path, "rb") as file:
            first_line = file.read(4096).partition(b"\n")[0]
    except OSError:
        return  # what may be executed need not be readable
    if first_line.startswith(b"#!"):
        words = first_line[2:].split(None, 1)
        interpreter = os.fsdecode(words[0]) if words else ""
        if interpreter and not os.path.exists(interpreter):
            hint = f"correct the first line of {path}, or install it"
            raise UsageError(f"{name} wants the interpreter {interpreter}, which does not exist", hint)
        if not interpreter or first_line.endswith(b"\r"):
            hint = f"correct the first line of {path}"
            raise UsageError(f"{name} has no usable interpreter in its #! line", hint)
    elif not first_line.startswith(b"\x7fELF") and not _has_other_formats():
        hint = f"begin it with a line such as #!/bin/sh, or run it as: sh {shlex.quote(name)}"
        raise UsageError(f"{name} is neither a program nor a script with a #! line", hint)


def _has_other_formats() -> bool:
    """Has the kernel been taught further formats (binfmt_misc)? Then it may know more than we do."""
    try:
        entries = os.listdir("/proc/sys/fs/binfmt_misc")
    except OSError:
        return False
    return not {"register", "status"}.issuperset(entries)
