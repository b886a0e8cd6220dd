"""A command whose life can be told afterwards: it writes ``pid moment`` to a file every few milliseconds.

``beating FILE [stubborn] [daemon]``: stubborn ignores SIGTERM; daemon leaves a process in a session of its own that
beats on in its place, so that the end of the first says nothing about the end of all.
"""

from __future__ import annotations

import os
import signal
import sys
import time

PAUSE_S = 0.01


def main() -> None:
    """Beat until killed."""
    if "stubborn" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    file = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    if "daemon" in sys.argv and os.fork() == 0:
        os.setsid()
    epoch = os.environ.get("AUTOHEALER_EPOCH", "0")
    while True:
        os.write(file, f"{os.getpid()} {epoch} {time.monotonic()!r}\n".encode())
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()
