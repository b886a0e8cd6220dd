"""The revisions of one pool on this host: the one that lives are started from, the one before it, and one on trial.

The present revision is what ``undo`` leaves, the former one what it goes back to. The one on trial is that of a rollout
under way; it becomes present when the rollout has finished. All three stand in the ledger.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from autohealer.core.model import WorkerId
from autohealer.core.operations import Answer, Operation, refused
from autohealer.core.rollout_spec import RolloutOrder, RolloutSpec, parallel_of
from autohealer.errors import UsageError
from autohealer.processes.launch.spawn import Spawner
from autohealer.processes.launch.spec import LaunchSpec, Revision
from autohealer.processes.launch.wrapper import user_of

if TYPE_CHECKING:
    from autohealer.processes.launch.spawn import Spawner
    from autohealer.processes.output.outlet import Outlet

SOAK_S = {"restart": 0.0}
USUAL_SOAK_S = 10.0


class Trial(msgspec.Struct, frozen=True):
    """A rollout under way: the agent that comes back in the middle of it has to know."""

    revision: Revision
    verb: str
    operation: str
    """The id of the operation that asked for it."""
    by: str
    goes_on: bool = False
    """Whether an agent that comes back in the middle of it goes on, as long as the request stands."""


class RevisionRecord(msgspec.Struct, frozen=True):
    """What the ledger keeps. ``asked`` is the hash of what the last ``run`` here asked for."""

    asked: str
    highest: int
    present: Revision
    former: Revision | None = None
    trial: Trial | None = None


def users_of(record: RevisionRecord | None) -> set[int]:
    """Whom workers of these revisions run as: the agent's user, as a rule."""
    kept = (record.present, record.former, record.trial.revision if record.trial else None) if record else ()
    users = {os.getuid()}
    for revision in kept:
        with suppress(UsageError):  # who has no account any more has no workers either
            if revision is not None and (user := user_of(revision.spec)) is not None:
                users.add(user.uid)
    return users


class Launch(NamedTuple):
    """All that one start needs of its revision."""

    spawner: Spawner
    cwd: str
    port_base: int | None
    output: Outlet | None
    """Where what workers write is kept; None where it goes elsewhere."""

    environ: Mapping[str, str]
    """What all workers of it have in their environment."""

    def port(self, number: int) -> int | None:
        """What a life with this number listens on."""
        return None if self.port_base is None else self.port_base + number


def record_for(found: RevisionRecord | None, spec: LaunchSpec) -> RevisionRecord:
    """The record of this ``run``: one that asks for the same as the last goes on with what is present."""
    if found is None:
        return RevisionRecord(asked=spec.hash, highest=1, present=Revision(1, spec))
    if found.asked == spec.hash or found.present.spec == spec:
        return msgspec.structs.replace(found, asked=spec.hash)
    number = found.highest + 1
    return RevisionRecord(asked=spec.hash, highest=number, present=Revision(number, spec), former=found.present)


def unfinished(record: RevisionRecord) -> RolloutOrder | None:
    """A rollout in the middle of which the agent's former life ended, to be undone.

    Not a ``restart`` that was a request: that goes on, if the request still stands.
    """
    trial, present = record.trial, record.present
    if trial is None or trial.goes_on:
        return None
    spec = RolloutSpec(
        trial.verb,
        trial.operation,
        trial.by,
        present.number,
        trial.revision.number,
        reversible=trial.revision.spec != present.spec,
    )
    return RolloutOrder(spec, undo_because="the agent was ended in the middle of it")


class Revisions:
    """Looks up what lives are started from, by number. ``prepare`` computes what all starts of a spec share.

    ``prepare`` raises `UsageError` for a spec that cannot be run.
    """

    def __init__(self, record: RevisionRecord, prepare: Callable[[LaunchSpec], Launch], present: Launch) -> None:
        self.record, self._prepare = record, prepare
        self._is_trying = unfinished(record) is not None
        self._launches = {record.present.number: present}

    @property
    def present(self) -> Revision:
        """What lives are started from while no rollout is under way."""
        return self.record.present

    @property
    def former(self) -> Revision | None:
        """What ``undo`` goes back to; None where there was none."""
        return self.record.former

    def launch(self, number: int) -> Launch:
        """What a start of this revision needs."""
        return self._launches.get(number) or self._launches[self.record.present.number]

    def is_busy_with_another(self, operation: str) -> bool:
        """Whether a rollout is under way that another operation asked for."""
        return self._is_trying and self.record.trial is not None and self.record.trial.operation != operation

    def goes_on(self, operation: str) -> bool:
        """Whether this agent has taken up its rollout in time, if only in a former life, and goes on with it."""
        trial = self.record.trial
        return trial is not None and trial.goes_on and trial.operation == operation

    def order(self, operation: Operation, wanted: LaunchSpec | None = None) -> RolloutOrder | Answer:
        """What the core is to do for an operation, its revision on trial from now on; or why it cannot be."""
        former, present = self.record.former, self.record.present
        spec = wanted or present.spec
        if operation.verb == "undo":
            if former is None:
                return refused("there is no revision before this one to go back to")
            spec = former.spec
        elif operation.verb == "update":
            spec = msgspec.structs.replace(spec, command=operation.options.command)
        if self.is_busy_with_another(operation.id) and self.record.trial is not None:
            return refused(f"a rollout is under way: {self.record.trial.verb} by {self.record.trial.by}")
        by = operation.by or "somebody"
        try:
            goes_on = operation.verb == "restart" and operation.request is not None
            revision = self.begin(spec, verb=operation.verb, operation=operation.id, by=by, goes_on=goes_on)
        except UsageError as error:
            return refused(str(error), UsageError.exit_code)
        options = operation.options
        return RolloutOrder(
            RolloutSpec(
                operation.verb,
                operation.id,
                by,
                present.number,
                revision.number,
                hash=spec.hash,
                soak_s=SOAK_S.get(operation.verb, USUAL_SOAK_S) if options.soak is None else options.soak,
                parallel=parallel_of(options.parallel or "1"),
                force=options.force,
                reversible=spec != present.spec,
                lenient=operation.verb == "restart",
                worker=operation.subject if WorkerId.parse(operation.subject) else None,
            ),
            operation,
        )

    def found(self, number: int) -> None:
        """A worker of this revision lives, of which the ledger may know nothing: no other one gets its number."""
        self.record = msgspec.structs.replace(self.record, highest=max(self.record.highest, number))

    def ask_for(self, spec: LaunchSpec) -> None:
        """This is what the next `run` here will ask for, whatever becomes of the rollout to it."""
        self.record = msgspec.structs.replace(self.record, asked=spec.hash)

    def begin(self, spec: LaunchSpec, *, verb: str, operation: str, by: str, goes_on: bool = False) -> Revision:
        """Put the spec on trial, under a new number. Raises `UsageError` where it cannot be run at all."""
        launch, former = self._prepare(spec), self.record.trial
        self._is_trying = True
        if former is not None and former.operation == operation and former.revision.spec == spec:
            self._launches[former.revision.number] = launch
            return former.revision  # it goes on after the agent's end
        revision = Revision(self.record.highest + 1, spec)
        self._launches[revision.number] = launch
        trial = Trial(revision, verb, operation, by, goes_on)
        self.record = msgspec.structs.replace(self.record, highest=revision.number, trial=trial)
        return revision

    def settle(self, number: int, *, present: bool) -> None:
        """The rollout to this revision has ended: it is the present one from now on, or is dropped."""
        record, trial = self.record, self.record.trial
        if trial is None or trial.revision.number != number:
            return
        self._is_trying = False
        if present:
            former = record.former if record.present.spec == trial.revision.spec else record.present
            self.record = msgspec.structs.replace(record, present=trial.revision, former=former, trial=None)
        else:
            self.record = msgspec.structs.replace(record, trial=None)
        kept = {self.record.present.number}
        self._launches = {number: launch for number, launch in self._launches.items() if number in kept}
