"""Text in so many columns, durations and sizes in few, and what a terminal is sent."""

from __future__ import annotations

import pytest

from autohealer.views import units
from autohealer.views.lines import Line, crop, fit, line_width, plain, right, width_of, wrap
from autohealer.views.palette import ASCII, BARS, EVENTS, STATES
from autohealer.views.rendering import rendered


@pytest.mark.parametrize("text", ["", "abc", "abcdefgh", "漢字漢字漢", "a漢b字c", "●●●●●●●", "a\x1b[2Jb", "\u202eabc"])
@pytest.mark.parametrize("width", [0, 1, 2, 5, 8, 20])
def test_it_takes_exactly_so_many_columns(text: str, width: int) -> None:
    """Whatever the script; never anything that a terminal obeys."""
    for made in (fit(text, width), right(text, width)):
        assert width_of(made) == width
        assert made.isprintable()


def test_what_is_cut_off_says_so() -> None:
    """By an ellipsis, which takes a column itself."""
    assert (fit("abcdef", 4), right("ab", 4), fit("漢字漢", 4)) == ("abc…", "  ab", "漢… ")
    line: Line = (("abc", ""), ("defgh", "bold"), ("ij", ""))
    assert plain(crop(line, 6)) == "abcde…"
    assert crop(line, 10) == line


def test_parts_side_by_side() -> None:
    """As long as they fit."""
    parts: list[Line] = [(("aaaa", ""),), (("bbbb", ""),), (("cccc", ""),)]
    assert [plain(line) for line in wrap(parts, 11)] == ["aaaa   bbbb", "cccc"]
    assert [line_width(line) for line in wrap(parts, 3)] == [3, 3, 3]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0s"), (0.9, "0s"), (59.9, "59s"), (60, "1m 00s"), (3599, "59m 59s"), (3600, "1h 00m"), (90000, "1d 01h"),
     (315360000, "3650d 00h")],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0B"), (999, "999B"), (1000, "1K"), (12 << 20, "12.0M"), (999 << 20, "999M"), (1 << 50, "1024T")],
)
def test_sizes(count: int, text: str) -> None:
    assert units.size(count) == text


def test_other_units() -> None:
    assert [units.share(x) for x in (0, 0.031, 0.0996, 0.48, 2.119)] == ["0.0%", "3.1%", "10%", "48%", "212%"]
    assert [units.milliseconds(x) for x in (0.04, 9.94, 12.3, 3400)] == ["0.0 ms", "9.9 ms", "12 ms", "3.4 s"]
    assert [units.ago(x) for x in (0.5, 42, 187, 90000)] == ["now", "42s ago", "3m ago", "1d ago"]
    assert (units.unix("2026-01-02T03:07:12.500000Z"), units.unix("soon"), units.unix(None)) == (
        1767323232.5,
        None,
        None,
    )


def test_no_color() -> None:
    """No colours; what is bold or reversed may stay."""
    line: Line = (("a", "bad"), ("b", "good"), ("c", "chosen"))
    assert rendered([line], styled=True, environ={"NO_COLOR": "1"}) == "\x1b[1ma\x1b[0mb\x1b[7mc\x1b[0m"
    assert "\x1b[1;31ma" in rendered([line], styled=True, environ={})


def test_a_terminal_without_unicode() -> None:
    """Every glyph has a stand-in of one column, and states keep theirs apart."""
    glyphs = [look.glyph for look in (*STATES.values(), *EVENTS.values())] + list(BARS)

    assert all(len(glyph) == 1 and glyph.translate(ASCII).isascii() for glyph in glyphs)
    assert len({look.glyph.translate(ASCII) for look in STATES.values()}) == len(STATES)
    assert rendered([(("● 漢", ""),)], styled=False, encoding="latin-1") == "* ?"
