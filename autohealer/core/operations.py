"""What people can ask of a pool: each verb once, with what it is about and how long a request for it stands.

A command, the dashboard or the page makes an `Operation`; the agent on this host gets it by its control socket, an
agent elsewhere by a request in ZooKeeper. Whichever way it comes, it is checked, carried out once, and answered.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from enum import Enum, StrEnum

import msgspec

from autohealer.core.model import MOST_WORKERS, Sense, WorkerId


class Subject(Enum):
    """What a verb is about."""

    NOTHING = "nothing: the pool as a whole"
    COUNT = "a number of workers"
    WORKER = "the id of a worker"
    WORKERS = "the id of a worker, the id of an agent for all of its workers, or nothing for all"
    AGENT = "the id of an agent"
    SENSE = "the name of a sense, or nothing for all"
    REVISION = "the hash of the revision that is left, or nothing for the present one"


class Verb(msgspec.Struct, frozen=True):
    """``expires_s`` is how long a request in ZooKeeper may be begun; None: the verb is no request there."""

    subject: Subject
    expires_s: float | None


VERBS = {
    "scale": Verb(Subject.COUNT, None),
    "kill": Verb(Subject.WORKER, 60.0),
    "restart": Verb(Subject.WORKERS, 3600.0),
    "update": Verb(Subject.NOTHING, None),
    "undo": Verb(Subject.REVISION, 3600.0),
    "drain": Verb(Subject.AGENT, 600.0),
    "undrain": Verb(Subject.AGENT, 600.0),
    "stop": Verb(Subject.NOTHING, 60.0),
    "reload": Verb(Subject.NOTHING, None),
    "leave": Verb(Subject.NOTHING, None),
    "hold": Verb(Subject.SENSE, None),
    "release": Verb(Subject.SENSE, None),
}
ROLLOUTS = frozenset({"restart", "update", "undo"})
MOST_TEXT = 1024


class Outcome(StrEnum):
    """What became of an operation."""

    DONE = "done"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    """It will be carried out; nobody waits for its end."""


class Options(msgspec.Struct, frozen=True):
    """How a rollout is to go, where that was said. ``command`` is what ``update`` runs: it never crosses ZooKeeper."""

    soak: float | None = None
    parallel: str | None = None
    force: bool = False
    command: tuple[str, ...] = ()
    dry_run: bool = False
    """Of `reload`: say what it would do, and do nothing."""


class Operation(msgspec.Struct, frozen=True):
    """One thing that somebody asks for. ``id`` is new for each: who sees it again answers, and does not repeat.

    ``by`` is who asked, as far as can be known; ``request`` the name of its node in ZooKeeper, if it came from there.
    """

    id: str
    verb: str
    subject: str = ""
    by: str | None = None
    options: Options = msgspec.field(default_factory=Options)
    request: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """What is said to who asked. ``code`` is the exit code of a command that was refused."""

    outcome: Outcome
    detail: str = ""
    code: int = 0


REFUSED = 1
MEANINGLESS = 2
UNREACHABLE = 3


def refused(detail: str, code: int = REFUSED) -> Answer:
    """No, and why."""
    return Answer(Outcome.REFUSED, detail, code)


def done(detail: str = "") -> Answer:
    """It has been carried out."""
    return Answer(Outcome.DONE, detail)


def check(operation: Operation) -> Answer | None:
    """Refuse what makes no sense whatever the pool is like; None where it may."""
    verb = VERBS.get(operation.verb)
    problem = f"there is no verb {_quoted(operation.verb)}" if verb is None else next(_problems(operation, verb), None)
    return None if problem is None else refused(problem, MEANINGLESS)


def _problems(operation: Operation, verb: Verb) -> Iterator[str]:
    subject, options = operation.subject, operation.options
    if not operation.id or not _is_text(operation.id):
        yield "an operation needs an id"
    if not _is_text(subject):
        yield "the subject is too long, or holds what cannot be printed"
    if verb.subject is Subject.COUNT and count_of(subject) is None:
        yield f"{_quoted(subject)} is not a number of workers from 0 to {MOST_WORKERS:,}"
    if verb.subject is Subject.WORKER and WorkerId.parse(subject) is None:
        yield f"{_quoted(subject)} is not the id of a worker"
    if verb.subject is Subject.AGENT and not subject:
        yield "no agent is named"
    if verb.subject is Subject.SENSE and subject not in ("", "all", *Sense):
        yield f"there is no sense {_quoted(subject)}; there are {', '.join(Sense)}"
    if verb.subject is Subject.NOTHING and subject:
        yield f"{operation.verb} is about the pool as a whole"
    if options.soak is not None and not (math.isfinite(options.soak) and options.soak >= 0):
        yield "soak is not a number of seconds"
    if options.parallel is not None and not re.fullmatch("[1-9][0-9]{0,5}%?", options.parallel):
        yield "parallel is neither a number of workers nor a percentage"
    if (operation.verb == "update") != bool(options.command):
        yield "an update needs a command, and nothing else has one"


def is_of_whole_pool(operation: Operation) -> bool:
    """Whether it is a rollout that every agent does, one after the other."""
    return operation.verb == "undo" or (operation.verb == "restart" and not operation.subject)


def count_of(subject: str) -> int | None:
    """The number of workers that a subject names, if it does."""
    is_number = subject.isascii() and subject.isdigit() and len(subject) <= len(str(MOST_WORKERS))
    return int(subject) if is_number and int(subject) <= MOST_WORKERS else None


def _is_text(text: str) -> bool:
    return len(text) <= MOST_TEXT and text.isprintable()


def _quoted(text: str) -> str:
    """As it was typed, in so far as it can be shown."""
    return repr(text[:60])
