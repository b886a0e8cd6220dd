"""How many workers this agent is to run: the target as it stands, and this agent's share in the plan."""

from __future__ import annotations

from collections.abc import Callable

from autohealer.core.actions import Action, EmitEvent, WriteTarget
from autohealer.core.events import PlanRead, TargetRead
from autohealer.core.model import OnPartition, Plan, PoolSpec
from autohealer.core.notices import LeaderElected, PlanChanged, TargetChanged


class Assignment:
    """``overwrite_target``: this ``run`` asks for another number than the one before it did."""

    def __init__(self, spec: PoolSpec, agent: str, order: Callable[[Action], None], *, overwrite_target: bool) -> None:
        self._spec, self._agent, self._order = spec, agent, order
        self._overwrite_target = overwrite_target
        self._plan: Plan | None = None
        self._found: int | None = None
        self._alone: int | None = None
        """A target set without ZooKeeper, until a plan for it stands, or somebody has set another one."""
        self.target: int | None = None
        self.share: int | None = None
        self.epoch = 0
        """The mzxid of the plan as last read: the fencing token of what is started under it."""
        self.followed = 0
        """The mzxid of the plan that the share is from; 0 where none has been followed in this session."""

    @property
    def target_is_written(self) -> bool:
        """Whether this ``run``'s number has had its say: from now on the target is what ``scale`` makes of it."""
        return self.target is not None and not self._overwrite_target

    @property
    def was_found(self) -> bool:
        """Whether the plan as last read is the one that stood when the session began: it may be old."""
        return self.epoch == self._found

    @property
    def has_turn(self) -> bool:
        """Whether the plan as last read gives this agent the turn to roll out."""
        return self._plan is not None and self._plan.turn == self._agent

    def session_opened(self) -> None:
        """In a new session every plan is news."""
        self._found, self.followed = None, 0

    def session_lost(self) -> None:
        """Where there may never be too many, others may get this agent's share from now on."""
        if self._spec.on_partition is OnPartition.STOP:
            self.share = None

    def scale_alone(self, workers: int) -> None:
        """ZooKeeper is away, and no other agent has a say: run so many at once; the target is written later."""
        foreign = self._plan.foreign if self._plan is not None else 0
        most = workers if self._spec.capacity is None else self._spec.capacity
        if workers != self.target:
            self._order(EmitEvent(TargetChanged(workers, self.target, None)))
        self.target = self._alone = workers
        if self.share is not None:
            self.share = min(max(0, workers - foreign), most)
        self._order(WriteTarget(workers))

    def target_read(self, event: TargetRead) -> None:
        """Write the target where there is none, or where this run asks for another; else take what stands."""
        wanted = event.workers
        if self._overwrite_target:
            wanted, self._overwrite_target = self._spec.workers, False
        elif wanted is None:
            wanted = self._spec.workers if self.target is None else self.target
        if wanted != event.workers:
            self._order(WriteTarget(wanted))
        if wanted != self.target:
            found_another = self.target is None and wanted != self._spec.workers
            asked = self._spec.workers if found_another else None
            self._order(EmitEvent(TargetChanged(wanted, self.target, asked)))
        self.target = wanted
        self._follow()

    def plan_read(self, event: PlanRead) -> None:
        """Take the share from the plan, and tell what is new in it."""
        former, plan = self._plan, event.plan
        self._plan = plan
        if self._found is None:
            self._found = event.mzxid
        if plan is None:
            return
        self.epoch = event.mzxid
        self._follow()
        another = former is None or (former.leader, former.epoch) != (plan.leader, plan.epoch)
        if another and plan.leader != self._agent:
            self._order(EmitEvent(LeaderElected(plan.leader, plan.epoch)))
        if former is None or (former.target, former.foreign, former.shares) != (plan.target, plan.foreign, plan.shares):
            self._order(EmitEvent(PlanChanged(plan.target, plan.foreign, dict(plan.shares))))

    def _follow(self) -> None:
        """A plan that was found at the start of a session may be old.

        It is followed only if it was made for the target that stands. Where there may never be too many even that is
        not enough: others may have got this agent's share while it was away.
        """
        if self._found is None:
            return  # none has been read in this session
        if self._alone == self.target and self._plan is not None and self._plan.target != self._alone:
            return  # it is about to be replaced
        self._alone = None
        stands = self._plan is not None and self._plan.target == self.target
        trusted = stands and self._spec.on_partition is OnPartition.KEEP
        if self._plan is not None and (trusted or not self.was_found):
            self.share = self._plan.shares.get(self._agent)
            self.followed = self.epoch
