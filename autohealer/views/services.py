"""The service registry as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

COLUMNS = ("service", "address", "id")


def services_text(found: Iterable[Mapping[str, str | None]]) -> str:
    """An address a line, aligned; empty where there is none."""
    rows = [[_printable(row[column]) for column in COLUMNS] for row in found]
    if not rows:
        return ""
    cells = [list(COLUMNS), *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in cells)


def _printable(value: str | None) -> str:
    """Names of nodes are anybody's, and may hold what a terminal would obey."""
    if value is None:
        return "-"
    return value if value.isprintable() else value.encode("unicode_escape").decode()
