"""What must hold of a pool at every moment, whatever happens."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING

from autohealer.core import notices
from autohealer.core.model import OnPartition, WorkerId, part
from tests.simulation.pools import Flaw

if TYPE_CHECKING:
    from autohealer.zkserver.engine import Engine
    from tests.simulation.host import Host
    from tests.simulation.member import Member
    from tests.simulation.pools import Pool, Process
    from tests.simulation.world import World

#: Every agent looks at all candidates when it connects, and everything is looked at each 30 s.
FIND_OUT_S = 35.0
#: The longest that a slot waits for its next start, and some seconds.
LACK_S = 45.0
#: So often a slot may start within a minute: all its restarts at once, then with growing pauses. One that was not
#: wanted for a while has all its restarts again, and spares have restarts of their own.
MOST_STARTS, MINUTE_S = 60, 60.0
#: A verdict is told when its worker is stopped; its room was taken when it was judged.
JUDGED_S = 5.0
MAX_FAULTY = 0.25


class OfMember:
    """What is known of one pool in one agent's life."""

    def __init__(self) -> None:
        self.starts: dict[int, deque[float]] = {}
        self.lacks_since: float | None = None
        self.parallel = 0
        """Of the rollout that is under way."""
        self.rollout_since = self.rollout_until = 0.0
        self.replacing: set[int] = set()
        """Slots whose worker was stopped for a verdict, until another one is ready."""
        self.have = 0
        """Its slots that are filled, as of the host's ``changes``."""
        self.changes = -1
        self.share = self.former_share = 0
        self.share_since = 0.0


class Checks:
    """Looks at each start, each end, each signal, each plan, and at what agents tell.

    Since ``watch`` at least ``fewest`` lived that nobody had told to end, and of those at least ``fewest_serving`` did
    their job.
    """

    def __init__(self, world: World, pool: Pool) -> None:
        self._world, self._pool = world, pool
        self.fewest = self.fewest_serving = 0
        self.starts = 0
        self.ceiling: int | None = None
        """With ``stop``: so many workers live at most, ever."""
        self._plan_mzxid = 0
        self._plan_epoch = 0
        self._trusted_from = 0.0
        self._members: dict[Member, OfMember] = {}

    def watch(self) -> None:
        """Bounds are of what comes from now on."""
        self.fewest, self.fewest_serving = self._pool.working, self.serving

    @property
    def serving(self) -> int:
        """How many do their job."""
        now = self._world.clock.now
        return sum(process.serves(now) for host in self._world.hosts for process in host.of(self._pool))

    def _of(self, member: Member) -> OfMember:
        return self._members.setdefault(member, OfMember())

    # ---- workers

    def spawned(self, member: Member, process: Process) -> None:
        """A process has begun."""
        self.starts += 1
        self._count(process, 1)
        if process.slot is not None:
            self._has_no_twin(member.host, process)
            self._is_no_storm(member, process.slot)
        if process.flaw is not Flaw.NONE:
            self._is_on_trial(member, process)
        self._look()

    def promoted(self, host: Host, process: Process, slot: int) -> None:
        """A spare fills a slot from now on."""
        process.is_spare, process.was_spare, process.slot = False, True, slot
        host.changes += 1
        self._count(process, 1)
        self._look()

    def told_to_end(self, process: Process) -> None:
        """An agent has asked it to end."""
        if not process.is_ending:
            process.is_ending = True
            self._pool.working -= process.counts
            self._look()

    def ended(self, process: Process) -> None:
        """A process is gone."""
        self._count(process, -1)
        self._look()

    def signalled(self, member: Member, worker: str, process: Process | None) -> None:
        """An agent sends a signal."""
        identity = WorkerId.parse(worker)
        assert (identity and identity.agent) == member.host.name, f"{member.host.name} signals {worker}"
        assert process is None or process.pool is self._pool, f"pool {self._pool.name} signals {worker}"

    def _count(self, process: Process, change: int) -> None:
        if process.counts:
            self._pool.living += change
            self._pool.working += change * (not process.is_ending)

    def _look(self) -> None:
        pool = self._pool
        self.fewest = min(self.fewest, pool.working)
        if self._world.watches_readiness:
            self.fewest_serving = min(self.fewest_serving, self.serving)
        if pool.policy is OnPartition.STOP and self.ceiling is not None:
            assert pool.living <= self.ceiling, f"{pool.living} of {self.ceiling} live"

    def _has_no_twin(self, host: Host, process: Process) -> None:
        twins = [each.worker for each in host.of(self._pool) if each is not process and each.slot == process.slot]
        assert not twins, f"slot {process.slot} of {host.name} has {process.worker} besides {twins}"

    def _is_no_storm(self, member: Member, slot: int) -> None:
        starts, now = self._of(member).starts.setdefault(slot, deque()), self._world.clock.now
        starts.append(now)
        while starts[0] < now - MINUTE_S:
            starts.popleft()
        assert len(starts) <= MOST_STARTS, f"slot {slot} of {member.host.name} starts {len(starts)} times a minute"

    def _is_on_trial(self, member: Member, process: Process) -> None:
        """A release with a flaw is exposed to so many surges as were asked for, and to as many slots."""
        if member.has_bad_release:
            return  # see `told`
        most, same = self._of(member).parallel, process.slot is None
        exposed = [p for p in member.host.of(self._pool) if p.flaw is not Flaw.NONE and (p.slot is None) is same]
        where = "beside the slots" if same else "in slots"
        assert len(exposed) <= most, f"{len(exposed)} of {most} of a bad release {where} of {member.host.name}"

    # ---- agents

    def thawed(self, member: Member) -> None:
        """It was frozen: what it had to do meanwhile it does now."""
        self._of(member).lacks_since = None

    def looked_at(self, member: Member) -> None:
        """It has taken something in. What its plan asks for runs, but for what waits for its restart."""
        of, now = self._of(member), self._world.clock.now
        share = member.supervisor._membership.assignment.share or 0
        if share != of.share:
            of.share, of.former_share, of.share_since = share, of.share, now
            of.replacing = {slot for slot in of.replacing if slot < share}
        host = member.host
        excused = host.spawns_fail or host.crashes_workers or of.parallel or member.has_bad_release
        excused = excused or self._pool.policy is OnPartition.STOP
        if excused or member.is_drained:
            of.lacks_since = None
            return
        if of.changes != host.changes:
            of.changes, of.have = host.changes, sum(process.slot is not None for process in host.of(self._pool))
        have = of.have
        if have >= share:
            of.lacks_since = None
        elif of.lacks_since is None:
            of.lacks_since = now
        lacks_s = 0.0 if of.lacks_since is None else now - of.lacks_since
        assert lacks_s < LACK_S, f"{host.name} has had {have} of {share} for {lacks_s:.0f} s"

    def told(self, member: Member, notice: notices.Notice) -> None:
        """It tells people something."""
        of = self._of(member)
        match notice:
            case notices.RolloutStarted():
                of.parallel, of.rollout_since = notice.parallel, self._world.clock.now
                of.starts.clear()
            case notices.RolloutFinished() | notices.RolloutUndone():
                of.parallel, of.rollout_until = 0, self._world.clock.now
                is_bad = member.command_of(notice.revision)[2] != Flaw.NONE
                if isinstance(notice, notices.RolloutFinished) and is_bad:
                    # Where nothing runs, nothing can show what is wrong with it.
                    runs = 0 if member.is_drained else member.supervisor._membership.assignment.share or 0
                    assert notice.of + runs == 0, f"{member.host.name} takes a bad release for good: {notice}"
                if isinstance(notice, notices.RolloutFinished) and notice.of and notice.verb in ("update", "undo"):
                    self._is_new(member, notice.revision)
            case notices.WorkerReady(slot=int(slot)):
                of.replacing.discard(slot)
            case notices.WorkerFaulty(slot=int(slot)):
                self._is_braked(member, of, slot, notice)

    def _is_braked(self, member: Member, of: OfMember, slot: int, notice: notices.WorkerFaulty) -> None:
        """At most the brake's part is replaced for verdicts at once; what a rollout judges is not braked."""
        process = member.host.processes.get(notice.worker or "")
        # Also those that it starts of the former revision, when it goes back. A verdict is told after its evidence.
        judges = of.parallel > 0 or self._world.clock.now < of.rollout_until + JUDGED_S
        is_of_rollout = process is not None and (
            process.revision == member.trial or (judges and process.started_at >= of.rollout_since)
        )
        if slot >= of.share or is_of_rollout:
            return
        # Nothing tells when the probes of a promoted spare pass.
        here = {each.slot: each for each in member.host.of(self._pool) if each.was_spare}
        now = self._world.clock.now
        of.replacing = {n for n in of.replacing if n not in here or not here[n].answers_probe(now)} | {slot}
        is_recent = now - of.share_since < JUDGED_S
        most = part(MAX_FAULTY, max(of.share, of.former_share if is_recent else 0))
        assert len(of.replacing) <= most, (
            f"{len(of.replacing)} of {member.host.name} are replaced for verdicts at once, {most} may be"
        )

    def _is_new(self, member: Member, revision: int) -> None:
        """What was rolled out is what runs."""
        wanted = member.command_of(revision)
        others = [
            p.worker
            for p in member.host.of(self._pool)
            if p.slot is not None and not p.is_ending and p.command != wanted
        ]
        assert not others, f"{member.host.name} says that all is r{revision}, and {others} are not"

    # ---- ZooKeeper

    def written(self, engine: Engine) -> None:
        """Something has changed there."""
        node = engine.tree.nodes.get(self._pool.paths.plan)
        if node is None or node.mzxid == self._plan_mzxid or node.mzxid >> 32 != engine.epoch:
            return  # what stands was not written in this life of the server
        self._plan_mzxid = node.mzxid
        plan = json.loads(node.data or b"{}")
        if plan:
            self._written_plan(engine, plan["epoch"], plan["leader"])

    def forgotten(self) -> None:
        """ZooKeeper has lost what it had: its leaders may be of a time before, and have to find that out."""
        self._plan_epoch = 0
        self._trusted_from = self._world.clock.now + FIND_OUT_S

    def _written_plan(self, engine: Engine, epoch: int, leader: str) -> None:
        """Only the first candidate may write one."""
        if self._world.clock.now < self._trusted_from:
            return
        election = engine.tree.nodes.get(self._pool.paths.election)
        names = sorted(election.children or (), key=lambda name: name[-10:]) if election is not None else []
        first = engine.tree.nodes[f"{self._pool.paths.election}/{names[0]}"] if names else None
        assert first is not None, f"{leader} writes a plan, and there is no candidate"
        assert (first.czxid, first.data) == (epoch, leader.encode()), (
            f"{leader} writes in epoch {epoch}; first: {names}"
        )
        assert epoch >= self._plan_epoch, f"epoch {epoch} after {self._plan_epoch}"
        self._plan_epoch = epoch
