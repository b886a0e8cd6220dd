#!/usr/bin/env python3
"""Draw docs/first-heal.svg: a real session in a terminal, from the first command to the first heal, as it went.

A shell runs in a pseudo-terminal, keys are pressed as a person would press them, and each frame is what stood on the
screen at that time. The picture moves by CSS alone and fetches nothing, so that it plays wherever a picture is shown;
where no motion is wanted it stands still at the heal.

Run it from anywhere, with the project and its dev extra installed: make pictures, or python docs/make_recording.py
"""

from __future__ import annotations

import html
import os
import pty
import re
import select
import signal
import sys
import tempfile
import termios
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pyte

COLUMNS, LINES = 92, 26
COMMAND = "autohealer run 4 -- python flaky_worker/flaky_worker.py --mean-life 60"
LOOK_S, KEY_S, PATIENCE_S = 0.1, 0.04, 30.0
LAST_S = 2.5
WIDTH, HEIGHT, MARGIN = 8, 17, 12
BACKGROUND, FOREGROUND = "#0d1117", "#c9d1d9"
SWITCH = re.compile(rb"\x1b\[\?1049([hl])")
ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "first-heal.svg"

Look = tuple[str, str, bool]
Row = tuple[tuple[str, Look], ...]


class Frame(NamedTuple):
    """What stood on the screen from this time on."""

    at: float
    rows: tuple[Row, ...]


class Session:
    """A shell in a terminal, and what was seen on its screen. ``pace`` below 1: the person at the keys hurries."""

    def __init__(self, folder: str, pace: float = 1.0) -> None:
        self._pace = pace
        pid, self._terminal = pty.fork()
        if not pid:
            programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            environ = {
                **os.environ,
                "PATH": programs,
                "PS1": "$ ",
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "AUTOHEALER_STATE_DIR": folder,
            }
            os.chdir(ROOT)
            os.execvpe("sh", ["sh"], environ)  # noqa: S606 - it is the shell
        self._shell = pid
        self._shown = self._main = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._shown)
        termios.tcsetwinsize(self._terminal, (LINES, COLUMNS))
        self._began = time.monotonic()
        self.frames: list[Frame] = []

    def watch(self, seconds: float) -> None:
        """Let it go on for so long."""
        deadline = time.monotonic() + seconds * self._pace
        while (left := deadline - time.monotonic()) > 0:
            self._look(min(left, LOOK_S))

    def until(self, seen: Callable[[str], object]) -> None:
        """Let it go on until this stands on the screen."""
        deadline = time.monotonic() + PATIENCE_S
        while not seen("\n".join(self._shown.display)):
            if time.monotonic() > deadline:
                raise SystemExit("never came:\n" + "\n".join(self._shown.display))
            self._look(LOOK_S)

    def type(self, text: str) -> None:
        """Press these keys, one after the other."""
        for key in text:
            os.write(self._terminal, key.encode())
            self.watch(KEY_S)

    def close(self) -> None:
        """Close the window, and end what is left in it."""
        os.close(self._terminal)
        os.kill(self._shell, signal.SIGKILL)
        os.waitpid(self._shell, 0)

    def _look(self, patience_s: float) -> None:
        """What is sent is only worked out after this time: the processor belongs to who is looked at."""
        deadline = time.monotonic() + patience_s
        sent = b""
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self._terminal], [], [], left)[0]:
                sent += os.read(self._terminal, 1 << 16)
        self._take(sent)
        at = time.monotonic() - self._began
        rows = tuple(_row(self._shown, y) for y in range(LINES))
        if not self.frames or (self.frames[-1].rows != rows and at - self.frames[-1].at >= LOOK_S):
            self.frames.append(Frame(at, rows))

    def _take(self, data: bytes) -> None:
        """What was sent; a program that has the screen for itself gets another one (pyte knows of one alone)."""
        before, *rest = SWITCH.split(data)
        self._stream.feed(before)
        for switch, after in zip(rest[::2], rest[1::2], strict=True):
            self._shown = pyte.Screen(COLUMNS, LINES) if switch == b"h" else self._main
            self._stream = pyte.ByteStream(self._shown)
            self._stream.feed(after)


def main() -> None:
    """Live through it, draw it."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(folder)
        try:
            frames = live(session)
        finally:
            session.close()
    TARGET.write_text(svg(frames))
    sys.stdout.write(f"{TARGET}: {len(frames)} frames, {frames[-1].at:.0f} s, {TARGET.stat().st_size:,} bytes\n")


def live(session: Session) -> list[Frame]:
    """Start a pool, kill a worker, see who took its place and what is told of it; end the pool."""
    session.until(lambda screen: "$" in screen)
    session.watch(0.5)
    session.type(COMMAND)
    session.watch(0.4)
    session.type("\r")
    session.until(lambda screen: "ALL AS WANTED" in screen)
    session.watch(3.0)
    session.type("j")
    session.watch(0.6)
    session.type("x")
    session.until(lambda screen: "Kill" in screen)
    session.watch(1.4)
    session.type("y")
    session.until(lambda screen: "worker 1 started, healed in" in screen)
    session.watch(3.5)
    session.type("\r")
    session.until(lambda screen: "killed, started again" in screen and "healed: replacement ran after" in screen)
    session.watch(4.5)
    session.type("\x1b")
    session.watch(1.0)
    session.type("q")
    session.watch(1.2)
    session.type("y")
    session.until(lambda screen: screen.count("$ ") > 1)
    return session.frames


# ---- from a screen to a picture


def _row(screen: pyte.Screen, y: int) -> Row:
    """A line of the screen in pieces of one look each."""
    cells = [screen.buffer[y][x] for x in range(COLUMNS)]
    return tuple(
        ("".join(cell.data for cell in same), look)
        for look, same in ((look, list(same)) for look, same in groupby(cells, key=_look_of))
    )


def _look_of(cell: pyte.screens.Char) -> Look:
    fore, back = _color(cell.fg, FOREGROUND), _color(cell.bg, BACKGROUND)
    return (back, fore, cell.bold) if cell.reverse else (fore, back, cell.bold)


def _color(name: str, default: str) -> str:
    return f"#{name}" if re.fullmatch("[0-9a-f]{6}", name) else default


def svg(frames: list[Frame]) -> str:
    """All frames below each other, as a strip of film that is moved up a frame at a time behind a window."""
    width, height = MARGIN * 2 + COLUMNS * WIDTH, MARGIN * 2 + LINES * HEIGHT
    lasts = frames[-1].at + LAST_S
    steps = "".join(
        f"{100 * frame.at / lasts:.3f}%{{transform:translateY({-number * LINES * HEIGHT}px)}}"
        for number, frame in enumerate(frames[1:], 1)
    )
    still = next(number for number, frame in enumerate(frames) if "healed in" in _text(frame))
    uses = Counter(row for frame in frames for row in frame.rows if _is_seen(row))
    names = {row: f"r{number}" for number, row in enumerate(uses)}
    classes = {color: f"c{number}" for number, color in enumerate(sorted({look[0] for row in uses for _, look in row}))}
    lines = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img"'
            ' aria-label="A pool is started, a worker is killed and healed, and the dashboard tells how">'
        ),
        "<style>",
        (
            'text{font:13.3px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;'
            "dominant-baseline:central}"
        ),
        ".b{font-weight:bold}",
        *(f".{name}{{fill:{color}}}" for color, name in classes.items()),
        f"@keyframes film{{0%{{transform:none}}{steps}}}",
        f"#film{{animation:film {lasts:.2f}s step-end infinite}}",
        (
            "@media(prefers-reduced-motion:reduce)"
            f"{{#film{{animation:none;transform:translateY({-still * LINES * HEIGHT}px)}}}}"
        ),
        "</style>",
        f'<rect width="{width:g}" height="{height}" rx="8" fill="{BACKGROUND}"/>',
        "<defs>",
        *(f'<g id="{name}">{"".join(_drawn(row, classes))}</g>' for row, name in names.items()),
        "</defs>",
        f'<svg x="{MARGIN}" y="{MARGIN}" width="{COLUMNS * WIDTH}" height="{LINES * HEIGHT}"><g id="film">',
    ]
    for number, frame in enumerate(frames):
        top = number * LINES * HEIGHT
        lines.append(
            "".join(
                f'<use href="#{names[row]}" y="{top + y * HEIGHT + HEIGHT // 2}"/>'
                for y, row in enumerate(frame.rows)
                if row in names
            )
        )
    return "\n".join([*lines, "</g></svg>", "</svg>", ""])


def _text(frame: Frame) -> str:
    return "\n".join("".join(text for text, _ in row) for row in frame.rows)


def _is_seen(row: Row) -> bool:
    return any(text.strip() or look[1] != BACKGROUND for text, look in row)


def _drawn(row: Row, classes: dict[str, str]) -> Iterator[str]:
    column = 0
    for back, same in groupby(row, key=lambda piece: piece[1][1]):
        length = sum(len(text) for text, _ in same)
        if back != BACKGROUND:
            at = f'x="{column * WIDTH}" y="{-HEIGHT // 2}"'
            yield f'<rect {at} width="{length * WIDTH}" height="{HEIGHT}" fill="{back}"/>'
        column += length
    column = 0
    for text, (fore, _, bold) in row:
        for word in re.finditer(r"\S+(?: \S+)*", text):
            x, length = (column + word.start()) * WIDTH, len(word[0]) * WIDTH
            stretch = f' textLength="{length}"' if len(word[0]) > 1 else ""
            name = f"{classes[fore]} b" if bold else classes[fore]
            yield f'<text x="{x}" class="{name}"{stretch}>{html.escape(word[0])}</text>'
        column += len(text)


if __name__ == "__main__":
    main()
