"""The process that sends notices: what to send where on the first line of stdin, then an event a line, until its end.

What cannot be sent is said on stdout, a line each. It ends with its owner: then stdin does.
"""

from __future__ import annotations

import hashlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import msgspec

from autohealer.core.notices import fields_of
from autohealer.runtime.notifier.alarms import Alarm, Alarms, Rule
from autohealer.runtime.notifier.messages import Line, RuleSpec
from autohealer.runtime.notifier.sending import NoticeBody, Sender
from autohealer.views.reading import read_event

LONGEST_WAIT_S = 3600.0
END_S = 5.0
READ_BYTES = 1 << 16


def main() -> None:
    """Until stdin ends."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(signum, signal.SIG_IGN)  # the owner's end is ours; until then notices are wanted
    lines = _Lines(sys.stdin.fileno())
    first = next(iter(lines.wait(LONGEST_WAIT_S)), None)
    if first is None:
        return
    specs = msgspec.json.decode(first, type=list[RuleSpec])
    senders = [Sender(spec.target, _warn) for spec in specs]
    alarms = Alarms([Rule(frozenset(spec.on), spec.for_s, spec.every_s) for spec in specs])
    while not lines.ended:
        wait_s = min(max(0.0, alarms.next_deadline() - time.monotonic()), LONGEST_WAIT_S)
        found: list[Alarm] = []
        for text in lines.wait(wait_s):
            line = msgspec.json.decode(text, type=Line)
            if (event := read_event(bytes(line.event))) is not None:
                found += alarms.take(time.monotonic(), line.pool, event)
        for alarm in [*found, *alarms.tick(time.monotonic())]:
            senders[alarm.rule].put(body(alarm, socket.gethostname()))
    until = time.monotonic() + END_S
    for sender in senders:
        sender.close(max(0.0, until - time.monotonic()))


def body(alarm: Alarm, host: str) -> NoticeBody:
    """A notice as it is sent. The same alarm has the same ``id``, from whichever agent and however often."""
    key = f"{alarm.pool}\0{alarm.of}\0{alarm.since}"
    return NoticeBody(
        id=hashlib.sha256(key.encode()).hexdigest()[:16],
        notice=alarm.notice,
        of=alarm.of,
        pool=alarm.pool,
        host=host,
        since=alarm.since,
        again=alarm.again,
        text=alarm.text,
        event=fields_of(alarm.event),
    )


class _Lines:
    """Whole lines of a descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd, self._rest = fd, b""
        self._found: list[bytes] = []
        self.ended = False

    def wait(self, seconds: float) -> Iterator[bytes]:
        """What has come within the time; at once what there is, one line at a time."""
        if not self._found and select.select([self._fd], [], [], seconds)[0]:
            data = os.read(self._fd, READ_BYTES)
            self.ended = not data
            *whole, self._rest = (self._rest + data).split(b"\n")
            self._found += whole
        while self._found:
            yield self._found.pop(0)


def _warn(text: str) -> None:
    with suppress(OSError):  # the owner has ended, and hears nothing more
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
