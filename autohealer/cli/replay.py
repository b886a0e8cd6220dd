"""``autohealer replay``."""

from __future__ import annotations

from pathlib import Path

import click

from autohealer.errors import UsageError
from autohealer.runtime.recorder.replay import Replay, newest_recording
from autohealer.runtime.recorder.telling import end_json, end_lines, step_json, step_lines


def run(*, file: str, until: float | None, as_json: bool) -> int:
    """Run a recorded agent again, decision by decision, and say whether it decides the same."""
    path = newest_recording(Path(file)) if Path(file).is_dir() else Path(file)
    if path is None:
        raise UsageError(f"there is no recording in {file}", "name a pool's folder in the state directory, or a file")
    replay = Replay(path)
    others = 0
    for step in replay.steps():
        if until is not None and step.wall > until:
            break
        others += not step.is_same
        click.echo(step_json(step) if as_json else "\n".join(step_lines(step)))
    click.echo(end_json(replay, others) if as_json else "\n".join(end_lines(replay, others)))
    return int(others > 0)
