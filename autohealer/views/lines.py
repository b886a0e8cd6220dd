"""Lines of styled text, and text in exactly so many columns.

A line is a tuple of (text, style) pairs, the style by its name in the palette: cheap to make and to compare, so that
the dashboard draws only what has changed.
"""

from __future__ import annotations

from collections.abc import Iterable

Span = tuple[str, str]
Line = tuple[Span, ...]

BLANK: Line = ()


def clean(text: str) -> str:
    """The text without anything that a terminal would obey, on one line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


def width_of(text: str) -> int:
    """How many columns a terminal gives it."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - rich is for those who draw

    return cell_len(text)


def fit(text: str, width: int) -> str:
    """Exactly so many columns of it: cut off with an ellipsis, or filled up with blanks."""
    if text.isascii() and text.isprintable() and len(text) <= width:  # nearly all there is
        return text.ljust(width)
    text = clean(text)
    taken = width_of(text)
    if taken <= width:
        return text + " " * (width - taken)
    if width < 1:
        return ""
    kept = text[: width - 1]
    while width_of(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept}…" + " " * (width - 1 - width_of(kept))


def right(text: str, width: int) -> str:
    """Exactly so many columns, the text at their end."""
    if text.isascii() and text.isprintable() and len(text) <= width:
        return text.rjust(width)
    return fit(" " * (width - width_of(clean(text))) + text, width)


def line_width(line: Line) -> int:
    """How many columns the line takes."""
    return width_of("".join([text for text, _ in line]))


def crop(line: Line, width: int) -> Line:
    """The line in at most so many columns."""
    if line_width(line) <= width:
        return line
    kept: list[Span] = []
    for text, style in line:
        taken = width_of(text)
        if taken > width:
            kept.append((fit(text, width), style))
            break
        kept.append((text, style))
        width -= taken
    return tuple(kept)


def plain(line: Line) -> str:
    """The line without its colours."""
    return "".join(text for text, _ in line).rstrip()


def wrap(parts: Iterable[Line], width: int, gap: int = 3) -> list[Line]:
    """Parts side by side as long as they fit, and then on a line of their own."""
    lines: list[Line] = []
    for part in parts:
        if lines and line_width(lines[-1]) + gap + line_width(part) <= width:
            lines[-1] = (*lines[-1], (" " * gap, ""), *part)
        else:
            lines.append(crop(part, width))
    return lines


def rule(title: str, said: str, width: int) -> Line:
    """The line above a part of a report."""
    head: Line = (("─ ", "rule"), (title, "title"), (" ", ""), (said, ""), (" " if said else "", ""))
    head = crop(head, width)
    return (*head, ("─" * max(0, width - line_width(head)), "rule"))
