"""``autohealer drill``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument, as_json, flag, value, where
from autohealer.config.kinds import Choice, Duration, FilePath
from autohealer.runtime.drill.kinds import KINDS

command = CliCommand(
    "drill",
    """Do harm to the pool on this host on purpose, and report whether and how quickly it was mended.

      autohealer drill kill
      autohealer drill hang --yes --html drill.html

    KIND is one of: kill and stop (one worker), half (half of the workers), hang and leak (one worker, which a sense
    has to find), zk-away (this agent is cut off from ZooKeeper for ten seconds), agent (the agent itself is killed),
    release (an update to a command that ends at once). Only where the agent was started with --allow-drill. The pool
    is left as it was found.

    Exits with 1 where something did not hold.
    """,
    argument("kind", kind=Choice(*KINDS)),
    *where(),
    flag("--yes", text="Do not ask first."),
    value("--within", kind=Duration(0.1), text="How long to wait for it to be mended.  [default: as the kind needs]"),
    value("--html", kind=FilePath(), text="Write the report as one HTML page, with a timeline."),
    as_json("Print the report as one JSON object."),
)
