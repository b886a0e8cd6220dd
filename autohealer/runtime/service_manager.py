"""What the agent tells the service manager that started it (systemd, Type=notify): ready, alive, how it stands.

It says that it is alive from its loop: one that hangs is killed by the manager and started again, and adopts its
workers. Without ``NOTIFY_SOCKET`` in the environment there is nobody to tell, and nothing of this exists.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, MutableMapping
from contextlib import suppress

STATUS_S = 10.0


class ServiceManager:
    """``status`` says in one line how the pools stand. Sending never waits; what cannot be sent is left out."""

    def __init__(self, address: str, watchdog_s: float | None, status: Callable[[], str]) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._every_s = min(STATUS_S, watchdog_s / 2) if watchdog_s else STATUS_S
        self._has_watchdog, self._status = watchdog_s is not None, status
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)
        self._told = ""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """The agent is ready: from now on it says that it lives."""
        self._loop = loop
        self._send("READY=1", f"MAINPID={os.getpid()}")
        self._beat()

    def end(self) -> None:
        """The agent is about to end, in its own time."""
        self._send("STOPPING=1")

    def close(self) -> None:
        """Nothing more is said."""
        if self._timer is not None:
            self._timer.cancel()
        self._socket.close()

    def _beat(self) -> None:
        lines = ["WATCHDOG=1"] if self._has_watchdog else []
        if (status := self._status()) != self._told:
            self._told = status
            lines.append(f"STATUS={status}")
        if lines:
            self._send(*lines)
        self._timer = self._loop.call_later(self._every_s, self._beat)

    def _send(self, *lines: str) -> None:
        with suppress(OSError):
            self._socket.sendto("\n".join(lines).encode(), self._address)


def service_manager(environ: MutableMapping[str, str], status: Callable[[], str]) -> ServiceManager | None:
    """Whoever started us wants to be told; taken out of the environment, which workers inherit."""
    address = environ.pop("NOTIFY_SOCKET", "")
    microseconds, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
    if not address.startswith(("/", "@")):
        return None
    is_for_us = pid in ("", str(os.getpid()))
    has_watchdog = is_for_us and microseconds.isascii() and microseconds.isdigit() and int(microseconds) > 0
    return ServiceManager(address, int(microseconds) / 1e6 if has_watchdog else None, status)
