"""``autohealer doctor``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import as_json, value, where
from autohealer.config.kinds import FilePath

command = CliCommand(
    "doctor",
    """Look at this host, the state directory, ZooKeeper and the pool; say what is wrong, and what to do about it.

      autohealer doctor
      autohealer doctor --zk zk1:2181,zk2:2181,zk3:2181
      autohealer doctor --bundle report.tar.gz

    Exits with 1 where there is a fault, 0 otherwise. Nothing is changed.
    """,
    *where(),
    value(
        "--bundle",
        kind=FilePath(),
        text="Write all that helps with a report of a bug into this archive (tar.gz), without secrets and output.",
    ),
    as_json("Print a list of findings as JSON."),
)
