"""How nodes are printed: as zkCli does, or as JSON."""

from __future__ import annotations

import base64
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import click

from autohealer.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autohealer.coordination.explorer.acl import Permission
    from autohealer.coordination.explorer.requests import NodeStat

_ORDERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def text_of(data: bytes) -> str:
    """The data as text; bytes that are none are written out."""
    return data.decode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    """The text with everything that a terminal would obey written out; line ends and tabs stay."""
    return _ORDERS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def data_text(data: bytes | None) -> str:
    """The data for a person to read."""
    return "null" if data is None else printable(text_of(data))


def data_fields(data: bytes | None) -> dict[str, str | None]:
    """The data for JSON: as text, and exactly where that is not UTF-8."""
    if data is None:
        return {"data": None, "base64": None}
    text = text_of(data)
    exact = text.encode("utf-8") == data and _is_text(data)
    return {"data": text, "base64": None if exact else base64.b64encode(data).decode()}


def stat_fields(stat: NodeStat) -> dict[str, int]:
    """A stat for JSON, by zkCli's names. Times are in milliseconds."""
    return {
        "cZxid": stat.czxid,
        "ctime": stat.ctime,
        "mZxid": stat.mzxid,
        "mtime": stat.mtime,
        "pZxid": stat.pzxid,
        "cversion": stat.cversion,
        "dataVersion": stat.version,
        "aclVersion": stat.aversion,
        "ephemeralOwner": stat.ephemeral_owner,
        "dataLength": stat.data_length,
        "numChildren": stat.num_children,
    }


def stat_text(stat: NodeStat) -> str:
    """A stat as zkCli has it, a line for each field."""
    return "\n".join(f"{name} = {_stat_value(name, value)}" for name, value in stat_fields(stat).items())


def acl_fields(acl: Sequence[Permission]) -> list[dict[str, str]]:
    """An ACL for JSON."""
    return [permission._asdict() for permission in acl]


def acl_text(acl: Sequence[Permission]) -> str:
    """An ACL as zkCli has it."""
    return "\n".join(f"'{printable(one.scheme)},'{printable(one.id)}\n: {one.perms}" for one in acl)


class Told:
    """Waits for the one event of ``-w``: the shell prints it when it comes, a single command stays until then."""

    def __init__(self, path: str, *, in_shell: bool) -> None:
        self._path, self._in_shell = path, in_shell
        self._kind = ""
        self._came = threading.Event()

    def __call__(self, kind: str) -> None:
        """In another thread: it has come, or (None) the connection has gone, and the watch with it."""
        self._kind = kind
        self._came.set()
        if self._in_shell and kind != "None":
            click.echo(self._text())

    def wait(self, as_json: Any) -> None:
        """Stay and print it, but not in the shell."""
        if self._in_shell:
            return
        self._came.wait()
        if self._kind == "None":
            raise UnreachableError("the connection broke, and the watch is gone with it", "`autohealer watch` goes on")
        click.echo(as_json({"event": self._kind, "path": self._path}) if as_json else self._text())

    def _text(self) -> str:
        return f"\nWATCHER::\n\nWatchedEvent state:SyncConnected type:{self._kind} path:{printable(self._path)}"


def _stat_value(name: str, value: int) -> str:
    if name in {"ctime", "mtime"}:
        return time.strftime("%a %b %d %H:%M:%S %Z %Y", time.localtime(value / 1000))
    return hex(value & 0xFFFFFFFFFFFFFFFF) if name in {"cZxid", "mZxid", "pZxid", "ephemeralOwner"} else str(value)


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
