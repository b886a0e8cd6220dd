"""An agent runs for years: of a life that is over, and of all that was asked, nothing is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest

from autohealer.core import events
from autohealer.core.actions import Action, EndOrphans, PromoteSpare, SpawnWorker, TakeEvidence
from autohealer.core.events import Usage
from autohealer.core.model import Sense
from autohealer.core.operations import Operation
from autohealer.core.pool.life import Role
from autohealer.core.pool.lifecycle import WorkerState
from autohealer.runtime.recorder.state import Encoder
from tests.core.clinic import Ward
from tests.core.playbook import Playbook
from tests.core.test_spares import Garage

FEW, MANY = 6, 46
# Numbers and times get longer; what is kept of a life has at least its id.
LONGER = 150


def size(book: Playbook) -> int:
    """Of all that the core knows."""
    for order in book.take(EndOrphans):
        book.tell(events.OrphansEnded, order.worker)
    book.orders.clear()
    return len(msgspec.json.encode(Encoder().encode(book.supervisor)))


def settle(book: Playbook) -> list[str]:
    """Whoever is to give evidence gives it, and whoever is to start starts; the new ones."""
    for order in book.take(TakeEvidence):
        book.tell(events.EvidenceTaken, order.worker, events.Evidence())
    return book.spawn()


def dies(book: Playbook, worker: str) -> str:
    """It dies; its replacement."""
    book.now += 1000  # whatever is earned by living long is earned
    book.tell(events.ProcessExited, worker, None, "SIGKILL")
    (successor,) = settle(book)
    return successor


class Plain:
    """Workers die, and their replacements register."""

    def __init__(self) -> None:
        self.book: Playbook = Playbook(2)
        self.worker, *_ = self.book.run(2)

    def cycle(self) -> None:
        self.worker = dies(self.book, self.worker)
        self.book.tell(events.RegistrationSeen, self.worker)
        self.book.wait(100)


class LosesRegistration(Plain):
    """Registrations get lost, and workers are stopped for it."""

    def cycle(self) -> None:
        book = self.book
        book.tell(events.RegistrationGone, self.worker)
        book.wait(100)
        settle(book)
        self.worker = dies(book, self.worker)
        book.tell(events.RegistrationSeen, self.worker)
        book.wait(100)


class Ill:
    """Workers are found faulty, held, and released; some have tasks, and are sampled, and say that they stop."""

    def __init__(self) -> None:
        self.book = Ward(task_timeout_s=50, silence_timeout_s=1000)
        self.worker = self.book.workers[0]

    def cycle(self) -> None:
        book = self.book
        book.say(self.worker, task="a")
        book.use(self.worker, 1.0, rss=7)
        book.tell(events.HoldRead, frozenset({str(Sense.PROBE)}))
        book.probe(self.worker, ok=False)
        book.say(self.worker, stopping=True)
        book.tell(events.HoldRead, frozenset())
        book.wait(3)
        book.probe(self.worker, ok=False)
        book.wait(100)
        settle(book)
        self.worker = dies(book, self.worker)
        book.probe(self.worker, ok=True)
        book.wait(100)


class Killed(Ill):
    """Somebody asks for their end, and is answered."""

    number = 0

    def cycle(self) -> None:
        self.number += 1
        asked = Operation(f"{self.number:08}", "kill", self.worker, "somebody")
        self.book.tell(events.OperationRequested, asked)
        self.worker = dies(self.book, self.worker)
        self.book.probe(self.worker, ok=True)
        self.book.wait(100)


class NotStarted(Ill):
    """Nothing comes of some starts."""

    def cycle(self) -> None:
        book = self.book
        book.now += 1000
        book.tell(events.ProcessExited, self.worker, 1, None)
        (order,) = book.take(SpawnWorker)
        book.tell(events.SpawnFailed, order.worker, "no process", True, "EAGAIN")
        book.wait(100)
        (self.worker,) = settle(book)
        book.probe(self.worker, ok=True)
        book.wait(100)


class Promoted:
    """Spares take the places of the dead."""

    def __init__(self) -> None:
        self.book = Garage()

    def cycle(self) -> None:
        book = self.book
        book.now += 1000
        victim = next(view.worker for view in book.supervisor.snapshot(book.now).workers if view.slot == 0)
        book.tell(events.UsageSampled, {str(victim): Usage(1.0, 5, "S", False, 0)})
        book.tell(events.ProcessExited, victim, None, "SIGKILL")
        assert book.promote()
        book.until_they_wait()
        book.wait(100)
        assert not book.take(PromoteSpare)


class NotPromoted(Promoted):
    """Spares cannot be told that they are to take a place; another worker is started there."""

    def cycle(self) -> None:
        book = self.book
        book.now += 1000
        victim = next(view.worker for view in book.supervisor.snapshot(book.now).workers if view.slot == 0)
        book.tell(events.ProcessExited, victim, None, "SIGKILL")
        (order,) = book.take(PromoteSpare)
        book.tell(events.PromotionFailed, order.worker)
        book.tell(events.ProcessExited, order.worker, None, "SIGTERM")
        for spawn in book.take(SpawnWorker):
            book.tell(events.WorkerSpawned, spawn.worker, 100, "then")
            if spawn.is_spare:
                book.say(spawn.worker, ready=True)
            else:
                book.tell(events.StandInMade, spawn.worker)
        book.wait(100)
        book.until_they_wait()
        book.wait(100)


class Scaled:
    """Shares grow and shrink."""

    def __init__(self) -> None:
        self.book: Playbook = Playbook(2)
        self.book.run(2)

    def cycle(self) -> None:
        book = self.book
        book.follow(me=4)
        for worker in book.spawn():
            book.tell(events.RegistrationSeen, worker)
        book.wait(100)
        book.follow(me=2)
        for view in book.supervisor.snapshot(book.now).workers:
            if view.slot is not None and view.slot >= 2 and view.worker is not None:
                book.tell(events.RegistrationGone, view.worker)
                book.tell(events.ProcessExited, view.worker, 0, None)
        book.wait(100)


STORIES = [Plain, LosesRegistration, Ill, Killed, NotStarted, Promoted, NotPromoted, Scaled]


@pytest.mark.parametrize("kind", STORIES)
def test_how_many_lives_are_in_which_state_is_counted_right(
    kind: Callable[[], Plain | Ill | Promoted | Scaled],
) -> None:
    """After whatever happens."""
    story = kind()
    handle = story.book.supervisor.handle
    lives = story.book.supervisor._workers.lives

    def counted(event: events.Event) -> list[Action]:
        orders = handle(event)
        found = Counter((life.role, life.state) for life in lives)
        for role in Role:
            for state in WorkerState:
                assert lives.count(state, role) == found[role, state], (event, role, state)
        return orders

    story.book.supervisor.handle = counted  # type: ignore[method-assign]  # looks on
    for _ in range(5):
        story.cycle()


@pytest.mark.parametrize("kind", STORIES)
def test_what_an_agent_knows_does_not_grow(
    kind: Callable[[], Plain | Ill | Promoted | Scaled],
) -> None:
    story = kind()
    for _ in range(FEW):
        story.cycle()
    before = size(story.book)
    for _ in range(MANY - FEW):
        story.cycle()

    assert size(story.book) < before + LONGER
