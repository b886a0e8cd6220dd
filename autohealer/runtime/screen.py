"""The dashboard on a terminal: a thread of its own that draws, reads keys, and can hold nothing up.

It asks for how things stand and goes on; the answer comes when the other side has a moment. A frame is drawn four
times a second, at once after a key or a change of size, and less often where drawing would cost more than its budget.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from autohealer.processes.stats import measure
from autohealer.runtime.keyboard import Keyboard
from autohealer.runtime.terminal import Terminal
from autohealer.views.canvas import ENTER, LEAVE, Canvas, Pen
from autohealer.views.controls import Controls, Order, Repaint, Scale, Suspend
from autohealer.views.dashboard import Scene, frame
from autohealer.views.history import History
from autohealer.views.pool import PoolView

FRAME_S = 0.25
METER_S = 1.0
BUDGET = 0.02
"""The part of one core that drawing may take."""
SAID_S = 8.0
WANTED_S = 2.0
PATIENCE_S = 1.0
MOST_WAITING = 50_000

Fields = Mapping[str, Any]


class Screen:
    """One dashboard. Until ``begin`` nothing is drawn and the terminal is as it was.

    ``look`` asks for how things stand, whereupon ``show`` is to be called, from any thread; ``order`` takes what is
    asked for by keys, `Quit` included; ``tail`` gives the last lines that a slot's worker wrote. None of them may wait.
    """

    def __init__(
        self,
        *,
        out: int,
        into: int,
        encoding: str,
        environ: Mapping[str, str],
        leaves_only: bool,
        tail: Callable[[int], Sequence[str]],
    ) -> None:
        self._terminal = Terminal(out, into, enter=ENTER, leave=LEAVE)
        self._encoding, self._environ = encoding, environ
        self._leaves_only, self._tail = leaves_only, tail
        self._look: Callable[[], None] = _nothing
        self._order: Callable[[Order], None] = _nothing
        # From other threads: each a single assignment, or a deque's own atomic operation.
        self._source: Callable[[], PoolView] | None = None
        self._fresh = self._closing = False
        self._cost_there_s = 0.0
        self._events: deque[Fields] = deque(maxlen=MOST_WAITING)
        self._told: deque[str] = deque(maxlen=10)
        self._wake_out, self._wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # The thread's own.
        self._view: PoolView | None = None
        self.history, self._controls, self._keyboard = History(), Controls(), Keyboard()
        self._cpu_s: dict[int, float] = {}
        self._usage, self._measured_at = dict[int, tuple[float | None, int]](), 0.0
        self._size = (0, 0)
        self._asked = self._is_drawn = False
        self._look_at = self._said_at = self._wanted_at = 0.0
        self._pause_s = FRAME_S
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
        self.failure: Exception | None = None
        """Why nothing is drawn any more."""

    @property
    def is_begun(self) -> bool:
        """Whether there has been anything to see."""
        return self._thread.ident is not None

    def begin(self, look: Callable[[], None], order: Callable[[Order], None]) -> None:
        """Draw from now on."""
        self._look, self._order = look, order
        self._thread.start()

    def show(self, view: Callable[[], PoolView], cost_s: float = 0.0) -> None:
        """How things stand, made in our thread; to tell it has taken ``cost_s`` of processor time elsewhere."""
        self._source, self._cost_there_s, self._fresh = view, cost_s, True
        self.wake()

    def take(self, fields: Fields) -> None:
        """Something has happened; it is shown with the next frame."""
        self._events.append(fields)

    def say(self, text: str) -> None:
        """Tell the person at the keys."""
        self._told.append(text)
        self.wake()

    def wake(self) -> None:
        """Look again at what there is to draw, such as another size. May be called from a signal's handler."""
        with suppress(OSError):  # full: it wakes anyway; closed: nobody is left to wake
            os.write(self._wake_in, b".")

    def close(self) -> None:
        """Give the terminal back."""
        self._closing = True
        self.wake()
        if self.is_begun:
            self._thread.join(PATIENCE_S)
        self.restore()
        self._take_in()

    def restore(self) -> None:
        """Give the terminal back at once, whatever the thread is doing."""
        self._terminal.leave()

    # ---- the thread

    def _run(self) -> None:
        try:
            self._canvas = Canvas(Pen(self._encoding, self._environ))  # here, as rich takes a while to import
            while not self._closing:
                self._turn()
        except Exception as error:  # noqa: BLE001 - a view that is broken must not break what it looks at
            self.failure = error
        finally:
            self._terminal.leave()

    def _turn(self) -> None:
        """Wait for something to show, and show it."""
        now = time.monotonic()
        if not self._asked and now >= self._look_at:
            self._asked = True
            self._look()
        typed = self._wait(PATIENCE_S if self._asked else self._look_at - now)
        changed = self._press() if typed else False
        began = time.thread_time()
        if self._fresh and self._source is not None:
            self._fresh = self._asked = False
            changed = True
            self._view = self._source()
            self._look_at = time.monotonic() + self._pause_s
        if (size := self._terminal.size()) != self._size:
            self._size = size
            self._canvas.clear()
            changed = True
        while self._told:
            self._say(self._told.popleft())
            changed = True
        if changed and self._view is not None:
            self._draw(self._view)
            cost_s = time.thread_time() - began + self._cost_there_s
            self._pause_s = max(FRAME_S, cost_s / BUDGET)

    def _wait(self, timeout_s: float) -> bool:
        """Until something stirs; whether a key was pressed."""
        poll = select.poll()
        poll.register(self._wake_out, select.POLLIN)
        if self._terminal.keys is not None and self._is_drawn:
            poll.register(self._terminal.keys, select.POLLIN)
        ready = [fd for fd, _ in poll.poll(max(0.0, timeout_s) * 1000)]
        if self._wake_out in ready:
            with suppress(BlockingIOError):
                os.read(self._wake_out, 4096)
        return self._terminal.keys in ready

    def _press(self) -> bool:
        data = self._terminal.read()
        for key in self._keyboard.keys(data):
            if self._view is None:
                break
            order = self._controls.press(key, self._view)
            self._said_at = time.monotonic()
            if isinstance(order, Suspend):
                self._terminal.leave()
                # To this very thread, so that the process stops before the next line.
                signal.pthread_kill(threading.get_ident(), signal.SIGTSTP)
            elif isinstance(order, Repaint):
                self._canvas.clear()
            elif order is not None:
                if isinstance(order, Scale):
                    self._wanted_at = time.monotonic()
                    self._say(f"target {order.workers:,} …")
                self._order(order)
        return bool(data)

    def _say(self, text: str) -> None:
        self._controls.said, self._said_at = text, time.monotonic()

    def _take_in(self) -> None:
        while self._events:
            self.history.take(self._events.popleft())

    def _forget(self, now: float) -> None:
        """What was said, and wanted, a while ago."""
        if now - self._said_at > SAID_S:
            self._controls.said = ""
        if now - self._wanted_at > WANTED_S:
            self._controls.wanted = None

    def _draw(self, view: PoolView) -> None:
        self._is_drawn = self._terminal.is_in_foreground()
        if not self._is_drawn:
            return
        now = time.monotonic()
        self._forget(now)
        self._take_in()
        if self._terminal.enter():
            self._canvas.clear()
        if now - self._measured_at >= METER_S:
            rows = self._controls.visible(view)
            pids = [row.pid for row in rows if row.pid is not None and row.agent == view.here]
            self._measure(pids, now)
        picture = frame(self._scene(view), *self._size)
        self._terminal.write(self._canvas.paint(picture).encode(self._encoding, "replace"))

    def _measure(self, pids: list[int], now: float) -> None:
        """What a process takes of a core is a matter of two looks at it."""
        passed, self._measured_at = now - self._measured_at, now
        found, former = measure(pids, tree=False), self._cpu_s
        self._cpu_s = {pid: use.cpu_s for pid, use in found.items()}
        self._usage = {
            pid: (max(0.0, use.cpu_s - former[pid]) / passed if pid in former else None, use.rss)
            for pid, use in found.items()
        }

    def _scene(self, view: PoolView) -> Scene:
        chosen, output = self._controls.chosen, self._controls.output
        return Scene(
            view,
            self.history,
            self._controls,
            now=time.time(),
            usage=self._usage,
            output=self._tail(chosen[1]) if output and chosen is not None and chosen[1] is not None else (),
            leaves_only=self._leaves_only,
            frame_s=self._pause_s if self._pause_s > 2 * FRAME_S else 0.0,
        )


def _nothing(*_: object) -> None:
    """Until `Screen.begin` there is nobody to ask."""
