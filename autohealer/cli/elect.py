"""``autohealer elect [PATH] [-- CMD]``."""

from __future__ import annotations

import json
import re
import sys
import time

import msgspec

from autohealer.cli.support.trailing import resolved
from autohealer.cli.support.where import Where
from autohealer.cli.zk import session
from autohealer.coordination.explorer.requests import check_path
from autohealer.errors import UsageError
from autohealer.runtime.election_runner import ElectOptions, candidate_name, run_elect
from autohealer.runtime.event_log import timestamp
from autohealer.runtime.printer import Printer
from autohealer.views.lines import clean
from autohealer.views.units import clock

EXAMPLE = "/elect/default"
_POOLS_OWN = re.compile(r"(/pools/[^/]+)?/(election|workers|service_registry|autohealer)(/.*)?")


class ElectArguments(msgspec.Struct, frozen=True):
    """What is typed after ``autohealer elect``."""

    path: str
    argv: tuple[str, ...]
    session_timeout: float
    connect_timeout: float
    stop_signal: int
    stop_timeout: float
    as_json: bool


def run(where: Where, given: ElectArguments) -> int:
    """Stand for election at PATH, print every change of leader, and run CMD only while leader."""
    _check(given.path)
    hosts, access = session.reach(where)
    options = ElectOptions(
        zookeeper=hosts,
        path=given.path,
        command=resolved(given.argv),
        session_timeout_s=given.session_timeout,
        connect_timeout_s=given.connect_timeout,
        stop_signal=given.stop_signal,
        stop_timeout_s=given.stop_timeout,
        access=access,
    )
    me, show = candidate_name(), _as_json if given.as_json else _as_text
    # What is said stays in order with the output of CMD, and a reader that is stuck cannot keep CMD running.
    printer, warner = Printer(sys.stdout), Printer(sys.stderr)
    try:
        return run_elect(
            options,
            me,
            announce=lambda event, leader: printer.print(show(event, leader, me)),
            warn=lambda text: warner.print(f"warning: {text}"),
        )
    finally:
        printer.close()
        warner.close()


def _check(path: str) -> None:
    check_path(path)
    if path == "/":
        raise UsageError("nobody can stand for election at /", f"choose a path such as {EXAMPLE}")
    if _POOLS_OWN.fullmatch(path):
        raise UsageError(f"{path} belongs to a pool", f"choose another path, such as {EXAMPLE}")


def _as_json(event: str, leader: str | None, me: str) -> str:
    return json.dumps({"time": timestamp(time.time()), "event": event, "leader": leader, "me": me})


def _as_text(event: str, leader: str | None, me: str) -> str:
    words = {
        "elected": f"elected: {me} leads",
        "deposed": f"deposed: {me} does not lead any more",
        "leader": f"leader: {clean(str(leader))}",
    }
    now = time.time()
    return f"{clock(now, now)}  {words[event]}"
