"""``autohealer register SERVICE ADDRESS [-- CMD]``."""

from __future__ import annotations

import sys

import msgspec

from autohealer.cli.support.registry import check_service, pool_name
from autohealer.cli.support.trailing import resolved
from autohealer.cli.support.where import Where
from autohealer.cli.zk import session
from autohealer.errors import UsageError
from autohealer.processes.probes.http import parse_url
from autohealer.runtime.printer import Printer
from autohealer.runtime.register import RegisterOptions, run_register

MAX_ADDRESS = 1024


class RegisterArguments(msgspec.Struct, frozen=True):
    """What is typed after ``autohealer register``."""

    service: str
    address: str
    argv: tuple[str, ...]
    check_http: str | None
    check_interval: float
    check_timeout: float
    session_timeout: float
    connect_timeout: float
    stop_signal: int
    stop_timeout: float


def run(where: Where, given: RegisterArguments) -> int:
    """Register ADDRESS under SERVICE while CMD runs, or while this process does."""
    check_service(given.service)
    if not given.address or not given.address.isprintable() or len(given.address) > MAX_ADDRESS:
        raise UsageError(f"{given.address!r} is no address", "write it as HOST:PORT, or as a URL")
    if given.check_http is not None:
        parse_url(given.check_http)
    hosts, access = session.reach(where)
    options = RegisterOptions(
        zookeeper=hosts,
        pool=pool_name(where),
        service=given.service,
        address=given.address,
        command=resolved(given.argv),
        check=given.check_http,
        check_interval_s=given.check_interval,
        check_timeout_s=given.check_timeout,
        session_timeout_s=given.session_timeout,
        connect_timeout_s=given.connect_timeout,
        stop_signal=given.stop_signal,
        stop_timeout_s=given.stop_timeout,
        access=access,
    )
    printer = Printer(sys.stderr)  # stdout is for the command
    try:
        return run_register(options, printer.print)
    finally:
        printer.close()
