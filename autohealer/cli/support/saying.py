"""What came of something that was asked for: a line for people, or one JSON object."""

from __future__ import annotations

import json
from typing import NamedTuple

import click

DONE, ASKED = "done", "asked"


class Saying(NamedTuple):
    """How a verb of a pool tells what came of it."""

    pool: str
    verb: str
    subject: str
    as_json: bool

    def say(self, text: str, outcome: str = DONE, **more: object) -> None:
        """Print it; ``outcome`` is asked where nobody waited for it. ``more`` stands in JSON alone."""
        if self.as_json:
            known = {"pool": self.pool, "verb": self.verb, "subject": self.subject, "outcome": outcome}
            click.echo(json.dumps({**known, "detail": text, **more}))
        else:
            click.echo(text)
