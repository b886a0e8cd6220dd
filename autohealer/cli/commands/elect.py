"""``autohealer elect``."""

from __future__ import annotations

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, option, where_with_credentials
from autohealer.config.kinds import Duration, SignalNumber

command = CliCommand(
    "elect",
    """Stand for election at PATH, print every change of leader, and run CMD only while leader.

      autohealer elect
      autohealer elect /elect/backup --zk zk1:2181,zk2:2181,zk3:2181 -- ./backup --daemon

    Of all that stand at one PATH, one leads, and CMD never runs twice at once: it is sent its stop signal when
    leadership can no longer be proven, two thirds of the session timeout after ZooKeeper last answered, and SIGKILL a
    twelfth later, also when this process is killed or frozen. CMD has to stay in the foreground: whatever it leaves
    behind is ended with it. AUTOHEALER_EPOCH in its environment grows with every new leader.

    When CMD ends by itself, its exit code is passed on and the candidacy is withdrawn. Ctrl-C stops CMD, then
    withdraws; a second one kills it at once.
    """,
    argument("path", shell_complete=shell_complete.nodes, required=False, default="/elect/default"),
    *where_with_credentials(),
    option("--session-timeout", Duration(0.4), "ZooKeeper session timeout.", default="6"),
    option("--connect-timeout", Duration(0.1), "How long to wait for ZooKeeper at the start.", default="15"),
    option("--stop-signal", SignalNumber(), "What asks the command to stop.", default="TERM"),
    option("--stop-timeout", Duration(), "How long it has before SIGKILL, at most.", default="10"),
    as_json("Print changes of leader as JSON, one object a line."),
    trailing="argv",
)
