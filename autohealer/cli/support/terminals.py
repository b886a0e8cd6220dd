"""What stdout is: a terminal that can draw, one that only prints, or something that keeps what it gets."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

SIMPLE = {"", "dumb", "unknown"}


def can_draw(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether stdout is a terminal, ours to use now, that can do more than print lines."""
    try:
        foreground = os.tcgetpgrp(sys.stdout.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):  # not a terminal; closed; replaced by something else
        return False
    speaks_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    return foreground and speaks_unicode and environ.get("TERM", "") not in SIMPLE and find_spec("textual") is not None


def is_styled(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether people read stdout on a terminal that knows more than letters."""
    return sys.stdout is not None and sys.stdout.isatty() and environ.get("TERM", "") not in SIMPLE


@contextmanager
def in_order() -> Iterator[None]:
    """Let a signal that ends this process end it by way of all ``finally``, so that a terminal is given back."""

    def end(signum: int, _: object) -> None:
        sys.exit(128 + signum)

    former = {signum: signal.signal(signum, end) for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)}
    try:
        yield
    finally:
        for signum, handler in former.items():
            signal.signal(signum, handler)
