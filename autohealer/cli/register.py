"""``autohealer register SERVICE ADDRESS [-- CMD]``."""

from __future__ import annotations

import sys

from autohealer.cli.support.registry import check_service, pool_name
from autohealer.cli.support.trailing import resolved
from autohealer.cli.support.where import Where
from autohealer.cli.zk import session
from autohealer.errors import UsageError
from autohealer.processes.probes.http import parse_url
from autohealer.runtime.printer import Printer
from autohealer.runtime.register import RegisterOptions, run_register

MAX_ADDRESS = 1024


def run(
    where: Where,
    service: str,
    address: str,
    argv: tuple[str, ...],
    *,
    check_http: str | None,
    check_interval: float,
    check_timeout: float,
    session_timeout: float,
    connect_timeout: float,
    stop_signal: int,
    stop_timeout: float,
) -> int:
    """Register ADDRESS under SERVICE while CMD runs, or while this process does."""
    check_service(service)
    if not address or not address.isprintable() or len(address) > MAX_ADDRESS:
        raise UsageError(f"{address!r} is no address", "write it as HOST:PORT, or as a URL")
    if check_http is not None:
        parse_url(check_http)
    hosts, access = session.reach(where)
    options = RegisterOptions(
        zookeeper=hosts,
        pool=pool_name(where),
        service=service,
        address=address,
        command=resolved(argv),
        check=check_http,
        check_interval_s=check_interval,
        check_timeout_s=check_timeout,
        session_timeout_s=session_timeout,
        connect_timeout_s=connect_timeout,
        stop_signal=stop_signal,
        stop_timeout_s=stop_timeout,
        access=access,
    )
    printer = Printer(sys.stderr)  # stdout is for the command
    try:
        return run_register(options, printer.print)
    finally:
        printer.close()
