"""The service registry as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autohealer.views.rendering import Heading, rendered, table

COLUMNS = ("service", "address", "id")


def services_text(found: Iterable[Mapping[str, str | None]]) -> str:
    """An address a line, aligned; empty where there is none."""
    rows = [[(_printable(row[column]), "") for column in COLUMNS] for row in found]
    return rendered([table([Heading(column) for column in COLUMNS], rows)], styled=False) if rows else ""


def _printable(value: str | None) -> str:
    """Names of nodes are anybody's, and may hold what a terminal would obey."""
    if value is None:
        return "-"
    return value if value.isprintable() else value.encode("unicode_escape").decode()
