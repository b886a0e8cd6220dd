"""Bytes from a terminal, into keys."""

from __future__ import annotations

import pytest

from autohealer.runtime.keyboard import Keyboard


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"q", ["q"]),
        (b"+-/", ["+", "-", "/"]),
        (b"\x1b[A\x1b[B\x1bOA", ["up", "down", "up"]),
        (b"\x1b[5~\x1b[6~\x1b[H\x1b[F\x1b[1~\x1b[4~", ["page-up", "page-down", "home", "end", "home", "end"]),
        (b"\x1b", ["escape"]),
        (b"\x1bq", ["escape", "q"]),
        (b"\r\x7f\x0c\x1a", ["enter", "backspace", "ctrl-l", "ctrl-z"]),
        (b"\x1b[200~\x1b[99;3u\x01\x02", []),
        ("ü漢".encode(), ["ü", "漢"]),
        (b"\xff\xfeq", ["q"]),
        (b"", []),
    ],
)
def test_keys(data: bytes, keys: list[str]) -> None:
    """Each by its name or as the character that it is; what we know nothing of is left out."""
    assert Keyboard().keys(data) == keys


def test_a_character_in_two_pieces() -> None:
    """It is there when the second has come."""
    keyboard = Keyboard()
    first, second = "漢".encode()[:1], "漢".encode()[1:]
    assert (keyboard.keys(first), keyboard.keys(second)) == ([], ["漢"])
