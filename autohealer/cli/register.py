"""``autohealer register SERVICE ADDRESS [-- CMD]``."""

from __future__ import annotations

import sys
from typing import Any

import click

from autohealer.cli.support.options import option
from autohealer.cli.support.registry import check_service, pool_name
from autohealer.cli.support.trailing import TrailingCommand, resolved
from autohealer.cli.zk import session
from autohealer.config.kinds import Duration, SignalNumber
from autohealer.errors import UsageError

MAX_ADDRESS = 1024


@click.command(cls=TrailingCommand, short_help="Register an address of a service.")
@click.argument("service")
@click.argument("address")
@session.options
@click.option("--check-http", metavar="URL", help="Withdraw the address while this does not answer with 200 to 399.")
@option("--check-interval", Duration(0.05), "2", "Seconds between two checks.")
@option("--check-timeout", Duration(0.05), "2", "How long an answer may take.")
@option("--session-timeout", Duration(0.4), "6", "ZooKeeper session timeout.")
@option("--connect-timeout", Duration(0.1), "15", "How long to wait for ZooKeeper at the start.")
@option("--stop-signal", SignalNumber(), "TERM", "What asks the command to stop.")
@option("--stop-timeout", Duration(), "10", "How long it has before SIGKILL.")
@click.pass_context
def command(ctx: click.Context, /, service: str, address: str, argv: tuple[str, ...], **params: Any) -> int:
    r"""Register ADDRESS under SERVICE while CMD runs, or while this process does.

    \b
      autohealer register web 10.0.0.7:8000 -- ./serve --port 8000
      autohealer register web 10.0.0.7:8000 --check-http http://10.0.0.7:8000/healthz

    The address is an ephemeral node of /service_registry/SERVICE: it goes with this process, and comes back after a
    lost session. The exit code of CMD is passed on. `autohealer services` shows who is there.
    """
    from autohealer.processes.probes.http import parse_url  # noqa: PLC0415 - not for --help
    from autohealer.runtime.printer import Printer  # noqa: PLC0415
    from autohealer.runtime.register import RegisterOptions, run_register  # noqa: PLC0415

    check_service(service)
    if not address or not address.isprintable() or len(address) > MAX_ADDRESS:
        raise UsageError(f"{address!r} is no address", "write it as HOST:PORT, or as a URL")
    if params["check_http"]:
        parse_url(params["check_http"])
    hosts, access = session.reach(ctx)
    options = RegisterOptions(
        zookeeper=hosts,
        pool=pool_name(ctx),
        service=service,
        address=address,
        command=resolved(argv),
        check=params["check_http"],
        check_interval_s=params["check_interval"],
        check_timeout_s=params["check_timeout"],
        session_timeout_s=params["session_timeout"],
        connect_timeout_s=params["connect_timeout"],
        stop_signal=params["stop_signal"],
        stop_timeout_s=params["stop_timeout"],
        access=access,
    )
    printer = Printer(sys.stderr)  # stdout is for the command
    try:
        return run_register(options, printer.print)
    finally:
        printer.close()
