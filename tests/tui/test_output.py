"""Workers' output, read as it grows, and the panel that shows it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from autohealer.tui import output
from autohealer.tui.output import OutputLine, OutputReader
from autohealer.tui.screens.worker import WorkerScreen
from autohealer.tui.widgets.output import KEPT_LINES, OutputPanel
from tests.tui import scenes
from tests.tui.conftest import Show


def texts(reader: OutputReader) -> list[str]:
    """What is new."""
    return [line.text for line in reader.read()]


def test_it_follows_a_file_that_is_cut_back(tmp_path: Path) -> None:
    """Whole lines only; from its beginning once it is shorter, or another."""
    log = tmp_path / "slot-0.log"
    reader = OutputReader(tmp_path, [0])
    assert texts(reader) == []
    log.write_text("one\ntw")
    assert texts(reader) == ["one"]
    with log.open("a") as file:
        file.write("o\n")
    assert texts(reader) == ["two"]
    log.write_text("3\n")
    assert texts(reader) == ["3"]
    (tmp_path / "new").write_text("four, in another file\n")
    (tmp_path / "new").replace(log)
    assert texts(reader) == ["four, in another file"]


def test_what_a_terminal_would_show(tmp_path: Path) -> None:
    """The last state of a line that was written over; nothing that would be obeyed."""
    (tmp_path / "slot-0.log").write_bytes(b"10%\r50%\r100%\r\n\x1b]0;title\x07a\tb\xff\n")
    assert texts(OutputReader(tmp_path, [0])) == ["100%", "a       b\ufffd"]


def test_of_a_long_past_only_the_end(tmp_path: Path) -> None:
    """Beginning with a whole line."""
    (tmp_path / "slot-0.log").write_text("".join(f"{n:07}\n" for n in range(100_000)))
    found = texts(OutputReader(tmp_path, [0]))
    assert found[-1] == "0099999"
    assert len(found) * 8 <= output.FIRST_BYTES
    assert all(len(line) == 7 for line in found)


def test_of_a_quick_writer_the_rest_is_left_out(tmp_path: Path) -> None:
    """And it is said how much."""
    log = tmp_path / "slot-0.log"
    log.write_text("")
    reader = OutputReader(tmp_path, [0])
    reader.read()
    log.write_text("x" * 99 + "\n" + ("y" * 99 + "\n") * (output.MOST_BYTES // 100 + 50))
    found = texts(reader)
    assert found[0].endswith("bytes left out")
    assert set(found[1:]) == {"y" * 99}


def test_links_are_not_followed(tmp_path: Path) -> None:
    """What a worker has put in the place of its file is not ours to read."""
    (tmp_path / "secret").write_text("secret\n")
    (tmp_path / "slot-0.log").symlink_to(tmp_path / "secret")
    assert texts(OutputReader(tmp_path)) == []


def test_all_slots(tmp_path: Path) -> None:
    """Also those that come later."""
    (tmp_path / "slot-0.log").write_text("a\n")
    reader = OutputReader(tmp_path)
    assert reader.read() == [OutputLine(0, "a")]
    (tmp_path / "slot-7.log").write_text("b\n")
    assert reader.read() == [OutputLine(7, "b")]


def test_it_scrolls_wraps_and_searches(show: Show) -> None:
    """And follows again; the line in view stays where it is while others come."""

    async def play() -> None:
        async with show(scenes.healthy(3), size=(80, 24)) as shown:
            await shown.press("l")
            assert isinstance(shown.app.screen, WorkerScreen)
            panel = shown.app.screen.query_one(OutputPanel)
            panel.add(OutputLine(0, f"line {n} of many") for n in range(100))
            await shown.settle()
            assert "line 99 of many" in shown.text()
            await shown.press("home")
            assert "line 0 of many" in shown.text()
            panel.add([OutputLine(0, "z" * 200)])
            await shown.settle()
            assert "line 0 of many" in shown.text()
            assert "zzz" not in shown.text()
            await shown.press("f")
            assert shown.text().count("z" * 70) == 1
            await shown.press("w")
            assert shown.text().count("z" * 70) == 2
            await shown.press("slash", *"line 41", "enter")
            assert "line 41 of many" in shown.text()
            assert "1 with 'line 41'" in shown.text()
            await shown.press("slash", "escape", "end", "pageup", "k")
            assert "zzz" not in shown.text()

    asyncio.run(play())


def test_it_forgets_the_oldest(show: Show) -> None:
    """And keeps the place of what is in view as long as it is there."""

    async def play() -> None:
        async with show(scenes.healthy(3), size=(80, 24)) as shown:
            await shown.press("l", "f")
            panel = shown.app.screen.query_one(OutputPanel)
            panel.add(OutputLine(0, f"n{n}.") for n in range(KEPT_LINES + 100))
            await shown.press("home")
            assert "n100." in shown.text()
            assert "n99." not in shown.text()

    asyncio.run(play())


def test_a_search_that_finds_nothing_goes_back(show: Show) -> None:
    """What is typed on the way to the word that is meant takes nobody away; clearing it goes on following."""

    async def play() -> None:
        async with show(scenes.healthy(1)) as shown:
            await shown.press("enter", "l")
            panel = shown.app.screen.query_one(OutputPanel)
            panel.add([OutputLine(0, f"line {number}") for number in range(200)])
            await shown.press("slash", *"line 1x")
            assert "0 with 'line 1x', follows" in shown.text()
            assert "line 199" in shown.text()
            await shown.press("backspace", "2")
            assert "stands still" in shown.text()
            await shown.press("escape")
            assert "200 lines, follows" in shown.text()

    asyncio.run(play())


def test_what_is_cut_off_is_seen_to_be(show: Show) -> None:
    """By an ellipsis; `c` copies the lines in view whole."""

    async def play() -> None:
        async with show(scenes.healthy(1), size=(60, 15)) as shown:
            await shown.press("enter", "l")
            long = "begin " + "x" * 100 + " end"
            shown.app.screen.query_one(OutputPanel).add([OutputLine(0, "short"), OutputLine(0, long)])
            await shown.press("c")
            assert any("begin xxx" in line and line.endswith("x… │") for line in shown.lines())
            assert shown.app.clipboard == f"short\n{long}\n"
            assert "2 lines copied" in shown.text()

    asyncio.run(play())
