"""The application without a terminal, on a pool that is made up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from autohealer.runtime.state_dir import StateDir
from autohealer.tui.app import AppOutcome, Dashboard, TerminalScreen
from tests.tui import scenes

Scene = tuple[scenes.Json, list[scenes.Json]]


class Shown:
    """An application that shows a scene, and its keys."""

    def __init__(self, app: Dashboard, source: scenes.Recorded, pilot: Pilot[AppOutcome]) -> None:
        self.app, self.source, self.pilot = app, source, pilot

    async def press(self, *keys: str) -> None:
        """Press them, and let what comes of it be drawn."""
        await self.pilot.press(*keys)
        await self.settle()

    async def settle(self) -> None:
        """All that is new is drawn."""
        self.app._must_draw = True
        self.app._frame()
        await self.pilot.pause()
        await self.pilot.pause()

    def lines(self) -> list[str]:
        """The screen as text."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip().ljust(0)[:width] for strip in strips[:height]]

    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines())


Show = Callable[..., Any]


@pytest.fixture
def show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Show:
    """Shows a scene for the time of an ``async with``: ``show(scene, size=(80, 24))``."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)

    @asynccontextmanager
    async def showing(
        scene: Scene, size: tuple[int, int] = (100, 30), *, leaves: bool = False, colored: bool = True
    ) -> AsyncIterator[Shown]:
        if not colored:
            monkeypatch.setenv("NO_COLOR", "1")
        source = scenes.Recorded(*scene)
        app = Dashboard(
            source,
            folder=StateDir(tmp_path, "web"),
            leaves=leaves,
            now=lambda: scenes.NOW,
            screen=TerminalScreen(colored=colored),
        )
        async with app.run_test(size=size) as pilot:
            shown = Shown(app, source, pilot)
            await shown.settle()
            yield shown

    return showing


def output_of(directory: Path) -> Path:
    """Where the workers of the pool that is shown write."""
    folder = StateDir(directory, "web")
    folder.create()
    return folder.output_dir
