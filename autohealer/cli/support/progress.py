"""How far something has come that takes a while, on stderr: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time

import click

WIDTH = 30
BAR_EVERY_S = 0.1
LINE_EVERY_S = 5.0


class ProgressLine:
    """So many of so many are ``done``, a word such as "deleted". What is quick is not spoken of."""

    def __init__(self, done: str) -> None:
        self._done = done
        self._on_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._every_s = BAR_EVERY_S if self._on_terminal else LINE_EVERY_S
        self._due = time.monotonic() + self._every_s
        self._drawn = 0

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def is_due(self) -> bool:
        """Whether it is time to say something: what costs something to find out need not be asked before."""
        return time.monotonic() >= self._due

    def __call__(self, done: int, total: int) -> None:
        """Show it, if it is time to."""
        if not self.is_due:
            return
        self._due = time.monotonic() + self._every_s
        text = f"{self._done} {done:,} of {total:,}"
        if self._on_terminal:
            full = WIDTH if done >= total else WIDTH * max(done, 0) // total
            bar = f"[{'#' * full}{'-' * (WIDTH - full)}] {text}"
            click.echo(f"\r{bar.ljust(self._drawn)}", err=True, nl=False)
            self._drawn = len(bar)
        else:
            click.echo(text, err=True)

    def end(self) -> None:
        """Wipe the bar away."""
        if self._drawn:
            click.echo(f"\r{' ' * self._drawn}\r", err=True, nl=False)
            self._drawn = 0
