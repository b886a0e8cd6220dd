"""``autohealer register``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, option, value, where_with_credentials
from autohealer.config.kinds import Duration, SignalNumber, Text

command = CliCommand(
    "register",
    """Register ADDRESS under SERVICE while CMD runs, or while this process does.

      autohealer register web 10.0.0.7:8000 -- ./serve --port 8000
      autohealer register web 10.0.0.7:8000 --check-http http://10.0.0.7:8000/healthz

    The address is an ephemeral node of /service_registry/SERVICE: it goes with this process, and comes back after a
    lost session. The exit code of CMD is passed on. `autohealer services` shows who is there.
    """,
    argument("service"),
    argument("address"),
    *where_with_credentials(),
    value("--check-http", kind=Text("URL"), text="Withdraw the address while this does not answer with 200 to 399."),
    option("--check-interval", Duration(0.05), "Seconds between two checks.", default="2"),
    option("--check-timeout", Duration(0.05), "How long an answer may take.", default="2"),
    option("--session-timeout", Duration(0.4), "ZooKeeper session timeout.", default="6"),
    option("--connect-timeout", Duration(0.1), "How long to wait for ZooKeeper at the start.", default="15"),
    option("--stop-signal", SignalNumber(), "What asks the command to stop.", default="TERM"),
    option("--stop-timeout", Duration(), "How long it has before SIGKILL.", default="10"),
    trailing="argv",
)
