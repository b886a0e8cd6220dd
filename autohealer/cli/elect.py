"""``autohealer elect [PATH] [-- CMD]``."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import Any

import click

from autohealer.cli.support.options import as_json, option
from autohealer.cli.support.trailing import TrailingCommand, resolved
from autohealer.cli.zk import session
from autohealer.config.kinds import Duration, SignalNumber
from autohealer.errors import UsageError

DEFAULT_PATH = "/elect/default"
_POOLS_OWN = re.compile(r"(/pools/[^/]+)?/(election|workers|service_registry|autohealer)(/.*)?")


@click.command(cls=TrailingCommand, short_help="Stand for election; run a command only while leader.")
@click.argument("path", default=DEFAULT_PATH)
@session.options
@option("--session-timeout", Duration(0.4), "6", "ZooKeeper session timeout.")
@option("--connect-timeout", Duration(0.1), "15", "How long to wait for ZooKeeper at the start.")
@option("--stop-signal", SignalNumber(), "TERM", "What asks the command to stop.")
@option("--stop-timeout", Duration(), "10", "How long it has before SIGKILL, at most.")
@as_json("Print changes of leader as JSON, one object a line.")
@click.pass_context
def command(ctx: click.Context, /, path: str, argv: tuple[str, ...], **params: Any) -> int:
    r"""Stand for election at PATH, print every change of leader, and run CMD only while leader.

    \b
      autohealer elect
      autohealer elect /elect/backup --zk zk1:2181,zk2:2181,zk3:2181 -- ./backup --daemon

    Of all that stand at one PATH, one leads, and CMD never runs twice at once: it is sent its stop signal when
    leadership can no longer be proven, two thirds of the session timeout after ZooKeeper last answered, and SIGKILL a
    twelfth later, also when this process is killed or frozen. CMD has to stay in the foreground: whatever it leaves
    behind is ended with it. AUTOHEALER_EPOCH in its environment grows with every new leader.

    When CMD ends by itself, its exit code is passed on and the candidacy is withdrawn. Ctrl-C stops CMD, then
    withdraws; a second one kills it at once.
    """
    from autohealer.runtime.election_runner import ElectOptions, candidate_name, run_elect  # noqa: PLC0415 - not for --help
    from autohealer.runtime.printer import Printer  # noqa: PLC0415

    _check(path)
    hosts, access = session.reach(ctx)
    options = ElectOptions(
        zookeeper=hosts,
        path=path,
        command=resolved(argv),
        session_timeout_s=params["session_timeout"],
        connect_timeout_s=params["connect_timeout"],
        stop_signal=params["stop_signal"],
        stop_timeout_s=params["stop_timeout"],
        access=access,
    )
    me, show = candidate_name(), _as_json if params["as_json"] else _as_text
    # What is said stays in order with the output of CMD, and a reader that is stuck cannot keep CMD running.
    printer = Printer(sys.stdout)
    try:
        return run_elect(options, me, lambda event, leader: printer.print(show(event, leader, me)))
    finally:
        printer.close()


def _check(path: str) -> None:
    from autohealer.coordination.explorer.requests import check_path  # noqa: PLC0415

    check_path(path)
    if path == "/":
        raise UsageError("nobody can stand for election at /", f"choose a path such as {DEFAULT_PATH}")
    if _POOLS_OWN.fullmatch(path):
        raise UsageError(f"{path} belongs to a pool", f"choose another path, such as {DEFAULT_PATH}")


def _as_json(event: str, leader: str | None, me: str) -> str:
    from autohealer.runtime.event_log import timestamp  # noqa: PLC0415

    return json.dumps({"time": timestamp(time.time()), "event": event, "leader": leader, "me": me})


def _as_text(event: str, leader: str | None, me: str) -> str:
    from autohealer.runtime.event_log import timestamp  # noqa: PLC0415

    words = {
        "elected": f"elected: {me} leads",
        "deposed": f"deposed: {me} does not lead any more",
        "leader": f"leader: {leader}",
    }
    return f"{timestamp(time.time())[11:23]}  {words[event]}"
