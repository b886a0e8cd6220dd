"""The pool's folder is removed, renamed, or taken by somebody else while the agent runs."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from autohealer.runtime import state_guard
from autohealer.runtime.state_dir import StateDir
from autohealer.runtime.state_guard import StateGuard
from tests.support.processes import eventually


class Bench:
    def __init__(self, base: Path) -> None:
        self.state = StateDir(base, "p", {})
        self.state.create()
        self.state.lock()
        self.restored = 0
        self.warnings: list[str] = []
        self.guard = StateGuard(asyncio.get_running_loop(), self.state, self._restored, self.warnings.append)

    def _restored(self) -> None:
        self.restored += 1

    async def until_restored(self, times: int) -> None:
        await asyncio.to_thread(eventually, lambda: self.restored == times)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def is_locked(base: Path) -> bool:
    return StateDir(base, "p", {}).is_locked()


@pytest.mark.parametrize("what", ["base", "pool", "lock"])
def test_what_is_removed_is_there_again(tmp_path: Path, what: str) -> None:
    """At once, locked by the same agent, and as often as it happens."""
    base = tmp_path / "state"

    async def test() -> None:
        bench = Bench(base)
        bench.guard.start()
        for times in (1, 2, 3):
            if what == "lock":
                await asyncio.to_thread(bench.state.lock_path.unlink)
            else:
                await asyncio.to_thread(shutil.rmtree, base if what == "base" else base / "p")
            await bench.until_restored(times)
            assert is_locked(base)
        assert len(bench.warnings) == 3
        bench.guard.close()
        bench.state.unlock()
        assert not is_locked(base)

    run(test)


def test_a_folder_that_was_renamed_is_found_by_a_look(tmp_path: Path) -> None:
    """The kernel tells of the pool's own; the one above it is found now and then."""
    base = tmp_path / "state"

    async def test() -> None:
        bench = Bench(base)
        bench.guard.start()
        await asyncio.to_thread(base.rename, tmp_path / "elsewhere")
        bench.guard.look()
        assert bench.restored == 1
        assert is_locked(base)
        bench.guard.look()
        assert bench.restored == 1
        bench.guard.close()
        bench.state.unlock()

    run(test)


def test_somebody_else_was_quicker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said, once, and tried again until that one is gone."""
    monkeypatch.setattr(state_guard, "RETRY_S", 0.02)
    base = tmp_path / "state"

    async def test() -> None:
        bench = Bench(base)
        await asyncio.to_thread(shutil.rmtree, base)
        other = StateDir(base, "p", {})
        other.create()
        other.lock()
        bench.guard.look()
        await asyncio.sleep(0.1)
        assert bench.restored == 0
        assert len(bench.warnings) == 1
        assert "is already run from" in bench.warnings[0]
        other.unlock()
        await bench.until_restored(1)
        bench.guard.close()
        bench.state.unlock()

    run(test)
