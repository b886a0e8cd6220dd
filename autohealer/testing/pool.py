"""A pool under test: ``autohealer run`` as a process, its events, and kills by a seed."""

from __future__ import annotations

import os
import random
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autohealer.core.notices import EventRecord, fields_of
from autohealer.testing.story import Story, WorkerStory
from autohealer.views.reading import read_event

STOP_WITHIN_S = 30.0
POLL_S = 0.02


class PoolFailedError(AssertionError):
    """The pool did not do what it promises, or did not do in time what was waited for."""


class PoolUnderTest:
    """``workers`` processes of ``command``, kept alive in a state directory of the test's own.

    As a context it starts the pool and waits until all workers run, and ends it at the end, when nothing that it
    started may be left. ``options`` are those of ``autohealer run``; ``env`` is added to the environment.
    """

    def __init__(
        self,
        workers: int,
        *command: str,
        folder: Path,
        options: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> None:
        self.workers, self.command = workers, command
        self.folder, self.timeout = folder, timeout
        self._arguments = [
            *(sys.executable, "-m", "autohealer", "run", str(workers), "--json", "--no-dashboard"),
            *("--state-dir", str(folder), *options, "--", *command),
        ]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AUTOHEALER_")}
        self._environment = {**kept, **(env or {})}
        self._story = Story(workers)
        self._events: list[EventRecord] = []
        self._changed = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "agent.stderr").open("w") as errors:
            self._process = subprocess.Popen(
                self._arguments,
                env=self._environment,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._reader = threading.Thread(target=self._read, name="pool-events", daemon=True)
        self._reader.start()
        try:
            self.wait_for(lambda: len(self.live()) == self.workers, f"{self.workers} workers")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = self._stop()
        if kind is None and left:
            raise PoolFailedError(f"after the end of the pool there still ran: {left}")

    # ---- what is

    def live(self) -> list[WorkerStory]:
        """The workers that live now, by the pool's own events."""
        with self._changed:
            return list(self._story.live.values())

    def events(self, kind: str | None = None) -> list[Mapping[str, Any]]:
        """What has happened so far, as ``events --json`` has it: all, or all of this kind."""
        with self._changed:
            return [fields_of(event) for event in self._events if kind in (None, event.event)]

    @property
    def heals_ms(self) -> list[float]:
        """How long each heal took, from death to the start of the replacement."""
        with self._changed:
            return list(self._story.heals_ms)

    def output(self, slot: int) -> str:
        """What the workers of a slot have written."""
        path = next(self.folder.glob(f"*/output/slot-{slot}.log"), None)
        return path.read_text(errors="replace") if path is not None else ""

    # ---- what is done to it

    def kill(self, slot: int | None = None, signum: int = signal.SIGKILL, *, seed: int = 0) -> WorkerStory | None:
        """Send a signal to the worker of a slot, or to one chosen by ``seed``; whom it was sent, None where none is."""
        candidates = sorted((life for life in self.live() if slot in (None, life.slot)), key=lambda life: life.worker)
        if not candidates:
            return None
        victim = candidates[0] if slot is not None else random.Random(seed).choice(candidates)  # noqa: S311 - a seed is wanted
        return victim if _send(victim, signum) else None

    @contextmanager
    def kill_every(self, seconds: float, *, seed: int = 0, signum: int = signal.SIGKILL) -> Iterator[list[WorkerStory]]:
        """While this lasts, a worker is killed every so often; the seed decides which. Gives the list of victims."""
        victims: list[WorkerStory] = []
        over = threading.Event()
        choices = random.Random(seed)  # noqa: S311 - to be repeated, not to be unknown

        def killing() -> None:
            while not over.wait(seconds):
                if (victim := self.kill(signum=signum, seed=choices.getrandbits(32))) is not None:
                    victims.append(victim)

        thread = threading.Thread(target=killing, name="pool-chaos", daemon=True)
        thread.start()
        try:
            yield victims
        finally:
            over.set()
            thread.join()

    def run(self, *command: str) -> str:
        """Another command of ``autohealer`` on this pool, such as ``scale 5``; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "autohealer", *command, "--state-dir", str(self.folder)],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=self.timeout,
            check=False,
        )
        if done.returncode:
            raise PoolFailedError(f"autohealer {shlex.join(command)}: {done.stderr.strip()}")
        return done.stdout

    # ---- what must hold

    def wait_for(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait until this is true. Raises PoolFailedError after ``timeout``, or where the agent has ended."""
        deadline = time.monotonic() + self.timeout
        while not condition():
            if self._agent.poll() is not None:
                raise PoolFailedError(f"the agent ended with {self._agent.returncode}: {self._said()}")
            if time.monotonic() > deadline:
                raise PoolFailedError(f"not within {self.timeout:g} s: {what or condition}; {self.live()}")
            with self._changed:
                self._changed.wait(POLL_S)

    def check(self, *, workers: int | None = None, heal_ms: float | None = None) -> None:
        """All that was promised held: at rest exactly ``workers`` live, never two in a slot, never one too many.

        ``heal_ms`` bounds the slowest heal. Raises PoolFailedError with all that did not hold.
        """
        wanted = self.workers if workers is None else workers
        self.wait_for(lambda: sum(_lives(life) for life in self.live()) == wanted, f"{wanted} workers at rest")
        with self._changed:
            problems = list(self._story.problems)
            slow = [took for took in self._story.heals_ms if heal_ms is not None and took > heal_ms]
        if slow:
            problems.append(f"{len(slow)} heals took longer than {heal_ms:g} ms, the slowest {max(slow):g} ms")
        if problems:
            raise PoolFailedError("; ".join(problems))

    # ---- how

    @property
    def _agent(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise PoolFailedError("the pool was not started; use it as a context: with PoolUnderTest(...) as pool")
        return self._process

    def _read(self) -> None:
        for line in self._agent.stdout or ():
            event = read_event(line)
            if event is None:
                continue
            with self._changed:
                self._events.append(event)
                self._story.tell(event)
                self._changed.notify_all()

    def _stop(self) -> list[WorkerStory]:
        """End the agent, by force if need be, and what it left; who was left."""
        agent = self._agent
        with suppress(ProcessLookupError):
            agent.terminate()
        try:
            agent.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            agent.kill()
            agent.wait()
        if self._reader is not None:
            self._reader.join(STOP_WITHIN_S)
        if agent.stdout is not None:
            agent.stdout.close()
        left = [life for life in self.live() if _lives(life)]
        for life in left:
            _send(life, signal.SIGKILL)
        return left

    def _said(self) -> str:
        return (self.folder / "agent.stderr").read_text(errors="replace").strip()


def _send(life: WorkerStory, signum: int) -> bool:
    """To the process that still is this worker; whether there was one. Its pid may be another's by now."""
    try:
        pidfd = os.pidfd_open(life.pid)
    except OSError:
        return False
    try:
        if not _is_worker(life):
            return False
        signal.pidfd_send_signal(pidfd, signum)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(pidfd)


def _lives(life: WorkerStory) -> bool:
    """Whether its process is there and has not ended."""
    try:
        pidfd = os.pidfd_open(life.pid)
    except OSError:
        return False
    try:
        return _is_worker(life) and not select.select([pidfd], [], [], 0)[0]
    finally:
        os.close(pidfd)


def _is_worker(life: WorkerStory) -> bool:
    with suppress(OSError):
        variable = f"AUTOHEALER_WORKER_ID={life.worker}".encode()
        return variable in Path(f"/proc/{life.pid}/environ").read_bytes().split(b"\0")
    return False
