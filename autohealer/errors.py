"""The errors that a user may meet, each with its exit code.

AutohealerError (1)
 +- UsageError (2)           the command line, a file or a directory is wrong
 +- UnreachableError (3)     ZooKeeper, or an agent of the pool, does not answer in time
 +- GaveUpError (4)          a crash loop went past --max-failures
 +- AlreadyRunningError (5)  this state directory runs the pool already
"""

from __future__ import annotations


class AutohealerError(Exception):
    """What is wrong, in one line, and in ``hint`` what to do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(AutohealerError):
    """What was asked for makes no sense as it stands."""

    exit_code = 2


class UnreachableError(AutohealerError):
    """Nobody answered in time."""

    exit_code = 3


class GaveUpError(AutohealerError):
    """A worker failed ``--max-failures`` times in a row."""

    exit_code = 4


class AlreadyRunningError(AutohealerError):
    """Another agent holds the lock of this pool in this state directory."""

    exit_code = 5
