"""Calls that may wait long, in threads that nobody waits for: the dashboard can be left whatever they are doing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

Answer = TypeVar("Answer")


async def in_background(call: Callable[[], Answer]) -> Answer:
    """What the call returns, or raises. asyncio's own threads are waited for at the end; an agent may never answer."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Answer] = loop.create_future()

    def tell(outcome: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(lambda: None if answer.done() else outcome())

    def run() -> None:
        try:
            found = call()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where it was called
            failure = error
            tell(lambda: answer.set_exception(failure))
        else:
            tell(lambda: answer.set_result(found))

    threading.Thread(target=run, name="background", daemon=True).start()
    return await answer
