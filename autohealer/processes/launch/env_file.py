"""``--env-file``: lines K=V, quoted as in systemd's EnvironmentFile."""

from __future__ import annotations

import os
import re
import stat

from autohealer.errors import UsageError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_BYTES = 1 << 20
_KEPT_BY_BACKSLASH = '"\\`$'


def read_env_file(path: str) -> dict[str, str]:
    """The variables of the file. Raises UsageError for one that cannot be read, or that others may write to."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            mode = os.fstat(fd).st_mode
            data = os.read(fd, _MOST_BYTES + 1) if stat.S_ISREG(mode) else b""
        finally:
            os.close(fd)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", "name another file with --env-file") from error
    if not stat.S_ISREG(mode):
        raise UsageError(f"{path} is no regular file", "name another one with --env-file")
    if mode & 0o022:
        raise UsageError(f"others may write to {path}, and so choose what runs", f"chmod go-w {path}")
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{path} is longer than 1 MiB", "name another file with --env-file")
    try:
        return parse_env_file(data.decode())
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not text in UTF-8", "name another file with --env-file") from None
    except ValueError as error:
        raise UsageError(f"{path}, {error}", "write lines such as NAME=value") from None


def parse_env_file(text: str) -> dict[str, str]:
    """The variables, the last of a name counting.

    Lines that are empty or begin with ``#`` or ``;`` say nothing. A value may be quoted, in parts, by ``'`` (nothing is
    special within) or ``"`` (a backslash keeps ``"``, itself, a backtick and a dollar sign); outside of quotes a
    backslash keeps any character. Quoted values may have several lines, and a backslash at the end of a line joins it
    with the next. Raises ValueError, which names the line.
    """
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at, self._line = text.replace("\r\n", "\n"), 0, 1

    def read(self) -> dict[str, str]:
        found = {}
        while self._at < len(self._text):
            self._skip(" \t\n")
            if self._at >= len(self._text):
                break
            if self._text[self._at] in "#;":
                self._skip_line()
                continue
            line = self._line
            name, equals, _ = self._text[self._at :].partition("\n")[0].partition("=")
            if not equals or not _NAME.fullmatch(name.strip()):
                raise ValueError(f"line {line}: there is no NAME= in it")
            self._at += len(name) + 1
            value = self._value(line)
            if "\0" in value:
                raise ValueError(f"line {line}: there is a NUL character in it")
            found[name.strip()] = value
        return found

    def _value(self, line: int) -> str:
        self._skip(" \t")
        parts: list[str] = []
        kept = 0  # how much of it may not be stripped, because it was quoted
        while (char := self._next()) not in ("", "\n"):
            if char in "'\"":
                parts.append(self._quoted(char, line))
                kept = len("".join(parts))
            elif char == "\\":
                following = self._next()
                if following not in ("", "\n"):
                    parts.append(following)
                    kept = len("".join(parts))
            else:
                parts.append(char)
        whole = "".join(parts)
        return whole[:kept] + whole[kept:].rstrip()

    def _quoted(self, quote: str, line: int) -> str:
        parts = []
        while (char := self._next()) != quote:
            if not char:
                raise ValueError(f"line {line}: the quote is not closed")
            if char == "\\" and quote == '"':
                following = self._next()
                if following == "\n":
                    continue
                parts.append(following if following in _KEPT_BY_BACKSLASH else f"\\{following}")
            else:
                parts.append(char)
        return "".join(parts)

    def _next(self) -> str:
        char = self._text[self._at : self._at + 1]
        self._at += 1
        self._line += char == "\n"
        return char

    def _skip(self, chars: str) -> None:
        while self._text[self._at : self._at + 1] and self._text[self._at] in chars:
            self._next()

    def _skip_line(self) -> None:
        while self._next() not in ("", "\n"):
            pass
