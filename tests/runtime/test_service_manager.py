"""What a service manager is told, and by whom."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from autohealer.runtime.service_manager import ServiceManager, service_manager


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(tmp_path / "notify"))
    listening.settimeout(20)
    yield listening
    listening.close()


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def test_ready_alive_status_and_the_end(manager: socket.socket) -> None:
    """The status is told again when it is another one; that it lives twice in each interval."""
    texts = iter(["1 of 3 running", "1 of 3 running", "3 of 3 running"])

    async def test() -> None:
        told = ServiceManager(manager.getsockname(), 0.1, lambda: next(texts, "3 of 3 running"))
        told.begin(asyncio.get_running_loop())
        messages = [(await asyncio.to_thread(manager.recv, 4096)).decode().splitlines() for _ in range(4)]
        told.end()
        told.close()
        assert messages == [
            ["READY=1", f"MAINPID={os.getpid()}"],
            ["WATCHDOG=1", "STATUS=1 of 3 running"],
            ["WATCHDOG=1"],
            ["WATCHDOG=1", "STATUS=3 of 3 running"],
        ]

    run(test)
    assert manager.recv(4096) == b"STOPPING=1"


def test_nobody_to_tell() -> None:
    """Without a socket in the environment, or with one that makes no sense."""
    assert service_manager({}, str) is None
    assert service_manager({"NOTIFY_SOCKET": "relative"}, str) is None


def test_what_is_ours_is_handed_on_to_no_worker(manager: socket.socket) -> None:
    """Workers would tell systemd that they are the service."""
    environ = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1", "HOME": "/"}
    found = service_manager(environ, str)
    assert found is not None
    found.close()
    assert environ == {"HOME": "/"}


def test_a_manager_that_is_gone_or_does_not_listen_holds_nobody_up(tmp_path: Path) -> None:
    """What cannot be said is left out."""

    async def test() -> None:
        told = ServiceManager(str(tmp_path / "nobody"), None, lambda: "status")
        told.begin(asyncio.get_running_loop())
        told.end()
        told.close()

    run(test)
