"""What a host's disk holds of one pool: the ledger, in the product's own lines, which may get old, torn or lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autohealer.runtime.ledger import Entry, Facts, Ledger, WorkerEntry, _line

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from autohealer.runtime.revisions import RevisionRecord

NOWHERE = Path("ledger")


class Disk:
    """``is_failing``: nothing that is written gets there. What an agent could not write it keeps, and tries again."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.is_failing = False

    def append(self, entries: Iterable[Entry]) -> None:
        """At the end."""
        self.lines += map(_line, entries)

    def write_anew(self, ledger: Ledger) -> None:
        """In the place of all that stood there."""
        entries: list[Entry] = [ledger.facts, *ledger.workers.values(), *ledger.finished.values()]
        if ledger.revisions is not None:
            entries.append(ledger.revisions)
        self.lines = [_line(entry) for entry in entries]

    # ---- what may become of it

    def age(self, dice: random.Random) -> None:
        """The last that was written is not there, as after a copy that was brought back."""
        del self.lines[max(1, len(self.lines) - dice.randint(1, 10)) :]

    def damage(self, dice: random.Random) -> None:
        """Its end is torn off, or lines of it are none any more."""
        if dice.random() < 0.5:
            text = b"".join(self.lines)
            self.lines = [text[: dice.randint(0, len(text))]]
        else:
            for _ in range(dice.randint(1, 3) if self.lines else 0):
                self.lines[dice.randrange(len(self.lines))] = b"\0" * 40 + b"\n"

    def lose(self) -> None:
        """There is no such file."""
        self.lines = []


class KnownLedger:
    """What an agent knows of its ledger, and what of that has been written."""

    def __init__(self, disk: Disk, agent: str, boot: str) -> None:
        self._disk = disk
        # The agent's id stands in a file of its own, which is written once.
        ledger = Ledger.parse(NOWHERE, b"".join(disk.lines), lambda: agent)
        self.ledger = ledger or Ledger(NOWHERE, Facts(agent=agent, boot=boot), {})
        self.ledger.move_in(boot, place=None)
        self._is_behind = True

    @property
    def facts(self) -> Facts:
        return self.ledger.facts

    @property
    def workers(self) -> dict[str, WorkerEntry]:
        return self.ledger.workers

    @property
    def revisions(self) -> RevisionRecord | None:
        return self.ledger.revisions

    def record(self, entries: list[Entry]) -> None:
        """Take them in, and write them if that can be."""
        for entry in entries:
            self.ledger._take(entry)
        if self._disk.is_failing:
            self._is_behind = self._is_behind or bool(entries)
        elif self._is_behind:
            self._disk.write_anew(self.ledger)
            self._is_behind = False
        else:
            self._disk.append(entries)
