"""Whole screens, as text: goldens that a person can review. UPDATE_SCREENS=1 writes them anew."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from autohealer.views.lines import width_of
from tests.tui import scenes
from tests.tui.conftest import Scene, Show

GOLDENS = Path(__file__).with_name("screens")
SIZES = [(60, 15), (80, 24), (120, 40), (200, 60)]


def scene_of(name: str, workers: int) -> Scene:
    """By its name."""
    return {"healthy": scenes.healthy, "broken": scenes.broken, "several": scenes.several}[name](workers)


@pytest.mark.parametrize(
    ("name", "workers", "size", "keys"),
    [
        ("healthy", 3, (60, 15), ()),
        ("broken", 3, (60, 15), ()),
        ("healthy", 10, (80, 24), ()),
        ("broken", 3, (80, 24), ()),
        ("broken", 10, (120, 40), ()),
        ("broken", 1000, (200, 60), ()),
        ("several", 10, (120, 30), ()),
        ("broken", 10, (100, 30), ("enter",)),
        ("healthy", 3, (80, 24), ("x",)),
    ],
)
def test_the_screen_is_as_it_was(
    show: Show, name: str, workers: int, size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    """Down to the last character."""
    golden = GOLDENS / f"{'-'.join([name, str(workers), f'{size[0]}x{size[1]}', *keys])}.txt"

    async def draw() -> str:
        async with show(scene_of(name, workers), size=size) as shown:
            await shown.press(*keys)
            await shown.settle()
            return "\n".join(line.rstrip() for line in shown.lines()) + "\n"

    drawn = asyncio.run(draw())
    if os.environ.get("UPDATE_SCREENS"):
        GOLDENS.mkdir(exist_ok=True)
        golden.write_text(drawn)
    assert drawn == golden.read_text()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("name", "workers"), [("healthy", 0), ("healthy", 1), ("broken", 3), ("several", 40)])
def test_it_fits(show: Show, name: str, workers: int, size: tuple[int, int]) -> None:
    """Whatever the size: the head says how things stand, the last line what the keys do, nothing is too wide."""

    async def draw() -> None:
        async with show(scene_of(name, workers), size=size) as shown:
            for keys in ((), ("enter",), ("escape", "L"), ("escape", "question_mark")):
                await shown.press(*keys)
                lines = shown.lines()
                assert len(lines) == size[1]
                assert max(map(width_of, lines)) <= size[0]
                if not keys:
                    assert "running" in lines[1]
                    assert "? help" in lines[-1]

    asyncio.run(draw())


def test_no_colors(show: Show) -> None:
    """What is chosen, and every state, is told by glyphs and words."""

    async def draw() -> None:
        async with show(scenes.broken(3), colored=False) as shown:
            for strip in shown.app.screen._compositor.render_strips():
                for segment in strip:
                    style = segment.style
                    assert style is None or style.color is None or style.color.is_default
            lines = shown.lines()
            assert any(line.startswith("│▌    0 ▲ backoff") for line in lines)
            assert any("1 ● running" in line for line in lines)

    asyncio.run(draw())
