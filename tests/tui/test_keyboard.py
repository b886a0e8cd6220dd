"""Whatever a terminal sends, Textual's parser is told text that it can take, and finds no key in a paste."""

from __future__ import annotations

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from autohealer.tui.keyboard import Keyboard


def told(data: bytes, piece: int) -> list[str]:
    """What the application hears of bytes that come so many at a time: keys by name, pastes as they are."""
    keyboard, parser, heard = Keyboard(), XTermParser(), list[str]()
    for start in range(0, len(data), piece):
        if text := keyboard.text(data[start : start + piece]):
            for event in parser.feed(text):
                if isinstance(event, events.Key):
                    heard.append(event.key)
                elif isinstance(event, events.Paste):
                    heard.append(f"pasted {event.text!r}")
    return heard


@pytest.mark.parametrize("piece", [1, 2, 3, 4, 5, 7, 100])
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"x\x1b[Ay", ["x", "up", "y"]),
        (b"\x1b[200~q\ry\x1b[201~x", ["pasted 'q\\ry'", "x"]),
        (b"\x1b[200~\x1b[31mq\x1b[0my\x1b\x1b[20\x1b[201~x", ["pasted '[31mq[0my[20'", "x"]),
        (b"\x1b[200~a\x1b[201~\x1b[200~\x1b[Ab\x1b[201~", ["pasted 'a'", "pasted '[Ab'"]),
        (b"\xff\xc3(x", ["replacement_character", "replacement_character", "left_parenthesis", "x"]),
        ("é日".encode(), ["é", "日"]),
    ],
)  # fmt: skip
def test_what_is_told(data: bytes, expected: list[str], piece: int) -> None:
    """However it is cut into pieces: control sequences in a paste are text, and bytes that are none are no failure."""
    assert told(data, piece) == expected
