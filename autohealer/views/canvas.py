"""Lines into what a terminal is sent: of a frame, the lines that differ from those that stand there, and no others."""

from __future__ import annotations

from collections.abc import Mapping

from autohealer.views.lines import Line, Lines
from autohealer.views.palette import ASCII, STYLES

# The alternate screen, so that what was on the terminal is there again afterwards; no cursor; no wrapping, so that a
# glyph that this terminal shows wider than we know cannot push everything down.
ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
RESET = "\x1b[0m"


class Pen:
    """Writes lines as one kind of terminal understands them: with or without Unicode, colours, or styles at all."""

    def __init__(self, encoding: str | None, environ: Mapping[str, str], *, styled: bool = True) -> None:
        self._unicode = (encoding or "").lower().startswith("utf")
        self._codes = _ansi_codes(environ) if styled else dict.fromkeys(STYLES, "")

    def write(self, line: Line) -> str:
        """The line as the terminal is to be sent it."""
        codes = self._codes
        text = "".join([f"{codes[style]}{text}{RESET}" if codes[style] and text else text for text, style in line])
        return text if self._unicode else text.translate(ASCII).encode("ascii", "replace").decode()


class Canvas:
    """What stands on one terminal, and how it is told of changes."""

    def __init__(self, pen: Pen) -> None:
        self._pen = pen
        self._stands: list[Line | None] = []

    def clear(self) -> None:
        """Something else has written to the terminal, or its size is another: all is to be sent again."""
        self._stands = []

    def paint(self, frame: Lines) -> str:
        """What turns the terminal's content into this frame."""
        changes = [] if self._stands else [f"{RESET}\x1b[2J"]
        former = [*self._stands, *[None] * len(frame)]
        for number, (line, stood) in enumerate(zip(frame, former, strict=False), 1):
            if line != stood:
                # Erased first: after the last column the cursor stays on the last character.
                changes.append(f"\x1b[{number};1H\x1b[2K{self._pen.write(line)}")
        self._stands = list(frame)
        return "".join(changes)


def _ansi_codes(environ: Mapping[str, str]) -> Mapping[str, str]:
    """What switches each style of the palette on. NO_COLOR leaves bold, dim and reverse."""
    from rich.color import ColorSystem  # noqa: PLC0415 - only for those who draw
    from rich.style import Style  # noqa: PLC0415

    mark = "\0"
    styles = {name: Style.parse(definition) for name, definition in STYLES.items()}
    if environ.get("NO_COLOR"):
        styles = {name: style.without_color for name, style in styles.items()}
    rendered = {name: style.render(mark, color_system=ColorSystem.STANDARD) for name, style in styles.items()}
    return {name: text.partition(mark)[0] for name, text in rendered.items()}
