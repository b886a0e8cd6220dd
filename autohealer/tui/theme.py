"""What the style names of `views.palette` look like here: a dark and a light theme, and one without colours.

A style's name says what it means; the glyph and the word beside it say the same, so that nobody needs the colours.
"""

from __future__ import annotations

import msgspec
from rich.style import Style
from textual.theme import Theme


class Colors(msgspec.Struct, frozen=True):
    """The colours of one theme, by what they are for."""

    background: str
    panel: str
    border: str
    text: str
    dim: str
    good: str
    warm: str
    bad: str
    heal: str
    aside: str
    title: str
    chosen: str
    slots: tuple[str, ...]
    """For the merged output: neighbours differ."""


DARK = Colors(
    background="#0d1117", panel="#161b22", border="#30363d", text="#d5dbe3", dim="#7d8590", good="#3fb950",
    warm="#e3b341", bad="#ff6b63", heal="#39c5cf", aside="#c297ff", title="#6cb6ff", chosen="#23344d",
    slots=("#6cb6ff", "#f69d50", "#7ee787", "#f778ba", "#e3b341", "#39c5cf", "#c297ff", "#ff8f80"),
)  # fmt: skip
LIGHT = Colors(
    background="#ffffff", panel="#f6f8fa", border="#d0d7de", text="#1f2328", dim="#656d76", good="#1a7f37",
    warm="#8a5a00", bad="#cf222e", heal="#0b7285", aside="#8250df", title="#0550ae", chosen="#d3e5fb",
    slots=("#0550ae", "#bc4c00", "#1a7f37", "#bf3989", "#8a5a00", "#0b7285", "#8250df", "#cf222e"),
)  # fmt: skip
NAMES = {"dark": DARK, "light": LIGHT}


def themes() -> list[Theme]:
    """Both, as Textual wants them."""
    return [_theme(name, colors) for name, colors in NAMES.items()]


def _theme(name: str, colors: Colors) -> Theme:
    return Theme(
        name=name,
        primary=colors.title,
        secondary=colors.aside,
        warning=colors.warm,
        error=colors.bad,
        success=colors.good,
        accent=colors.heal,
        foreground=colors.text,
        background=colors.background,
        surface=colors.background,
        panel=colors.panel,
        dark=name == "dark",
        variables={
            "line": colors.border,
            "quiet": colors.dim,
            "bright": colors.title,
            "chosen": colors.chosen,
        },
    )


def styles(theme: str, *, colored: bool) -> dict[str, Style]:
    """What each style name stands for."""
    if not colored:
        return _PLAIN
    colors = NAMES.get(theme, DARK)
    named = {
        "ground": Style(bgcolor=colors.background),
        "bar": Style(bgcolor=colors.panel),
        "": Style(color=colors.text),
        "bold": Style(color=colors.text, bold=True),
        "dim": Style(color=colors.dim),
        "rule": Style(color=colors.border),
        "title": Style(color=colors.dim),
        "brand": Style(color=colors.heal, bold=True),
        "key": Style(color=colors.title, bold=True),
        "good": Style(color=colors.good),
        "warm": Style(color=colors.warm),
        "bad": Style(color=colors.bad),
        "heal": Style(color=colors.heal),
        "aside": Style(color=colors.aside),
        "found": Style(color=colors.background, bgcolor=colors.warm),
        "chosen": Style(bgcolor=colors.chosen),
    }
    for tone in ("good", "warm", "bad", "heal"):
        named[f"badge-{tone}"] = Style(color=colors.background, bgcolor=getattr(colors, tone), bold=True)
    for index, color in enumerate(colors.slots):
        named[f"slot-{index}"] = Style(color=color)
    return named


def slot_style(slot: int) -> str:
    """The style of a slot's output."""
    return f"slot-{slot % len(DARK.slots)}"


_PLAIN = {
    **dict.fromkeys(["ground", "bar", "", "good", "warm", "heal", "aside"], Style()),
    **dict.fromkeys(["dim", "rule", "title"], Style(dim=True)),
    **dict.fromkeys(["bold", "brand", "key", "bad"], Style(bold=True)),
    **dict.fromkeys(["found", "chosen"], Style(reverse=True)),
    **{f"badge-{tone}": Style(reverse=True, bold=True) for tone in ("good", "warm", "bad", "heal")},
    **{f"slot-{index}": Style() for index in range(len(DARK.slots))},
}
