"""Environment files: lines K=V, quoted as in systemd's EnvironmentFile. What is in them is never shown."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.config.schema import PoolOptions

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# In double quotes a backslash takes these for what they are, and stands for itself before any other.
_ESCAPED = {'"', "\\", "$", "`"}


def environment(options: PoolOptions) -> dict[str, str]:
    """What ``--env-file`` and ``--env`` add to the workers' environment; the latter counts. Raises UsageError."""
    if options.env_file is None:
        return dict(options.env)
    return {**read_env_file(options.env_file), **options.env}


def read_env_file(path: str) -> dict[str, str]:
    """The variables of a file. Raises UsageError where it cannot be read, does not hold, or others can change it."""
    try:
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode):  # read for the check, for each start and each reload: a pipe is read only once
            raise UsageError(f"the env-file {path} is no regular file", "name one")
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the env-file {path} cannot be read: {error.strerror}", "name another one") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the env-file {path} is no text", "write lines K=V, in UTF-8") from error
    if mode & stat.S_IWOTH:
        raise UsageError(f"the env-file {path} can be changed by everybody", f"chmod o-w {path}")
    return parse_env_file(text, path)


def can_be_read_by_others(path: str) -> bool:
    """Whether other users can see what is in it."""
    try:
        return bool(Path(path).stat().st_mode & stat.S_IROTH)
    except OSError:
        return False


def parse_env_file(text: str, path: str) -> dict[str, str]:
    """The variables; the last one of a name counts. An error names file and line, and not what stands there."""
    found: dict[str, str] = {}
    for number, line in _logical_lines(text):
        name, equals, value = line.partition("=")
        name = name.strip()
        if not equals or not _NAME.fullmatch(name):
            raise UsageError(f"{path}:{number}: this is not of the form K=V", "comments begin with # or ;")
        try:
            found[name] = _unquoted(value.strip())
        except ValueError as error:
            raise UsageError(f"{path}:{number}: {name}: {error}", "close the quotation") from error
    return found


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are neither empty nor comments; a quotation may go over several, and a backslash joins two."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        number, line = at + 1, lines[at]
        at += 1
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        while at < len(lines) and _goes_on(line):
            line = line.removesuffix("\\") + lines[at] if _ends_in_backslash(line) else f"{line}\n{lines[at]}"
            at += 1
        yield number, line


def _goes_on(line: str) -> bool:
    return _open_quotation(line.partition("=")[2]) != "" or _ends_in_backslash(line)


def _ends_in_backslash(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _open_quotation(value: str) -> str:
    """The quotation mark that is not closed yet, or nothing."""
    quote, escaped = "", False
    for character in value:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
    return quote


def _unquoted(value: str) -> str:
    """The value without its quotation marks; blanks outside of them are kept."""
    out: list[str] = []
    quote, at = "", 0
    while at < len(value):
        character = value[at]
        following = value[at + 1 : at + 2]
        if character == "\\" and quote != "'" and following:
            out.append(following if not quote or following in _ESCAPED else character + following)
            at += 1
        elif quote and character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
        else:
            out.append(character)
        at += 1
    if quote:
        raise ValueError("a quotation is not closed")
    return "".join(out)
