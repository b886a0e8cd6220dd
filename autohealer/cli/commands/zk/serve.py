"""``autohealer zk serve``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import flag, value
from autohealer.config.kinds import FilePath, Integer, Text
from autohealer.config.schema import LAST_PORT

command = CliCommand(
    "serve",
    """Run the embedded ZooKeeper server on its own, until Ctrl-C or SIGTERM.

      autohealer zk serve
      autohealer zk serve --port 0 --data ./zookeeper

    The first line on stdout is the connection string for clients. Without --data, what is stored ends with the server;
    with it, nodes and sessions outlive the process, and with --fsync the machine. It is one server, for one machine:
    whoever reaches its port can use it.
    """,
    value("--host", kind=Text("ADDRESS"), default="127.0.0.1", text="The address to listen on."),
    value("--port", kind=Integer(0, LAST_PORT), default="2181", text="0 is any free one."),
    value("--data", kind=FilePath("DIRECTORY"), text="Where to keep a journal."),
    flag("--fsync", text="Have each change on the disk before it is answered."),
    home="autohealer.cli.zk",
)
