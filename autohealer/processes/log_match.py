"""Has a worker written the line that says that it is ready? ``--ready log:REGEX``."""

from __future__ import annotations

import os
import re
from re import _constants as ops  # type: ignore[attr-defined]  # re has no public way to look into a pattern
from re import _parser as parser  # type: ignore[attr-defined]  # the same
from typing import Any

from autohealer.errors import UsageError

_MOST_A_LOOK = 64 * 1024
_LONGEST_LINE = 2048
_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)


def compile_pattern(text: str) -> re.Pattern[bytes]:
    """Raises UsageError for what is no pattern, and for one that can take for ever on a line of nothing special.

    That is a repeat of something that repeats itself, or of alternatives: ``(a+)+``, ``(a|aa)*``.
    """
    try:
        tree = parser.parse(text)
        pattern = re.compile(text.encode())
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is no regular expression: {error}", "try it with python -m re, or grep -P"
        ) from None
    if _can_explode(tree, repeated=False):
        raise UsageError(
            f"{text!r} repeats what repeats itself, which can take for ever", "write it without a group under * or +"
        )
    return pattern


def _can_explode(node: Any, *, repeated: bool) -> bool:
    for operation, argument in node:
        if operation in _REPEATS:
            least, most, body = argument
            varies = most != least and most > 1
            if (repeated and varies) or _can_explode(body, repeated=repeated or varies):
                return True
        elif operation is ops.BRANCH:
            if repeated or any(_can_explode(choice, repeated=repeated) for choice in argument[1]):
                return True
        elif isinstance(argument, tuple) and any(
            _can_explode(part, repeated=repeated) for part in argument if isinstance(part, parser.SubPattern)
        ):
            return True
    return False


class LogMatch:
    """Looks through what one life writes into its slot's file, line by line, each once."""

    def __init__(self, pattern: re.Pattern[bytes], path: str, offset: int) -> None:
        """``offset`` is where this life's output begins."""
        self._pattern, self._path, self._offset = pattern, path, offset
        self._rest = b""

    def look(self) -> bool:
        """Whether the line has come; at most 64 KiB are looked at."""
        data = self._read()
        self._offset += len(data)
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:_LONGEST_LINE]
        return any(self._pattern.search(line[:_LONGEST_LINE]) for line in lines)

    def _read(self) -> bytes:
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return b""
        try:
            if os.fstat(fd).st_size < self._offset:  # cut back meanwhile
                self._offset, self._rest = 0, b""
            return os.pread(fd, _MOST_A_LOOK, self._offset)
        except OSError:
            return b""
        finally:
            os.close(fd)
