"""``autohealer report``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import as_json, flag, value, where
from autohealer.config.kinds import Duration, FilePath

command = CliCommand(
    "report",
    """Show how the pool's workers on this host fared: availability, heals by cause, time to heal, timeline by slot.

      autohealer report --since 1h
      autohealer report --since 7d --html report.html

    It is made from the event log in the state directory, whether an agent runs or not. Available is the part of the
    wanted worker-time in which workers ran; what no agent saw is left out, and said.
    """,
    *where(),
    value("--since", kind=Duration(0.001), text="How far back, such as 90s, 5m, 1h or 2d.  [default: the whole log]"),
    value("--html", kind=FilePath(), text="Write it as one HTML page with plots; - is stdout."),
    flag("--utc", text="Times in UTC; without, in this host's time zone. JSON and the page always have UTC."),
    as_json("Print it as one JSON object."),
)
