"""A fleet of make-believe workers on virtual time, for the rollout machine alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from random import Random

from autohealer.core.model import part
from autohealer.core.pool.rollout import Limits, Rollout
from autohealer.core.rollout_spec import RolloutSpec

START_TIMEOUT_S, STOP_TIMEOUT_S, STOPS_IN_S = 60.0, 10.0, 0.5
END_OF_TIME_S = 100_000.0


@dataclass
class Nature:
    """How lives of one revision behave; chances are of each life."""

    ready_in_s: float | None = 2.0
    dies_in_s: float | None = None
    death_chance: float = 0.0
    flap_chance: float = 0.0
    faulty_chance: float = 0.0


@dataclass
class ALife:
    worker: str
    number: int
    revision: int
    since: float
    ready_at: float = inf
    dies_at: float = inf
    flaps_at: float = inf
    faulty_at: float = inf
    gone_at: float = inf
    ready_since: float | None = None
    first_ready: float | None = None
    is_stopping: bool = False
    was_asked: bool = False

    @property
    def serves(self) -> bool:
        return self.ready_since is not None and not self.is_stopping


@dataclass
class World:
    """The fleet, its clock, and what must hold at every moment."""

    spec: RolloutSpec
    share: int | None
    natures: Mapping[int, Nature]
    most_surges: int = 1000
    seed: int = 0
    shares: list[tuple[float, int]] = field(default_factory=list)
    """Changes of share to come: after so many seconds, so many."""
    kills: list[float] = field(default_factory=list)
    """Moments at which somebody has a worker killed."""

    alive_s: float = 0.0

    def __post_init__(self) -> None:
        self.now, self.random, self.count = 0.0, Random(self.seed), 0
        self.rollout: Rollout | None = None
        self.lives: dict[int, ALife | None] = {}
        self.extra: dict[int, ALife | None] = {}
        self.may_start: dict[int, float] = {}
        self.dismissed: set[str] = set()
        self.down: set[int] = set()  # slots that were ready, taken down by the rollout, and not ready since
        self.exchanges = 0
        self.most_exposed = self.most_seen_surges = 0
        for number in range(self.share or 0):
            self.lives[number] = None
            self.start(number)
        self.to_come, self.shares = self.shares, []
        self.to_kill, self.kills = self.kills, []
        self.until(10.0)

    def begin(self, undo_because: str = "") -> Rollout:
        self.rollout = Rollout(
            self.spec,
            self,
            limits=Limits(START_TIMEOUT_S, STOP_TIMEOUT_S, self.alive_s),
            undo_because=undo_because,
        )
        self.shares = [(self.now + after, share) for after, share in self.to_come]
        self.kills = [self.now + after for after in self.to_kill]
        self.look()
        return self.rollout

    def run(self) -> Rollout:
        """Until the rollout has ended, and then until all is quiet."""
        rollout = self.rollout or self.begin()
        while rollout.outcome is None:
            assert self.now < END_OF_TIME_S, f"it does not end: {vars(rollout)}"
            self.until(self.next_moment())
        return rollout

    @property
    def present(self) -> int:
        """What lives are started from where no rollout is under way."""
        return self.spec.new if self.rollout and self.rollout.outcome == "done" else self.spec.old

    # ---- the fleet

    def slots(self) -> Mapping[int, ALife | None]:
        return {number: life for number, life in self.lives.items() if number < (self.share or 0)}

    def surges(self) -> Mapping[int, ALife | None]:
        return dict(self.extra)

    def room(self) -> int:
        return self.most_surges

    def reset_backoff(self) -> None:
        for number, life in self.lives.items():
            if life is None:
                self.retry(number)

    def start_surge(self) -> None:
        number = next(n for n in range(self.share or 0, 10**6) if n not in self.extra and n not in self.lives)
        self.extra[number] = None
        self.start(number)
        assert len(self.extra) <= min(self.most_surges, self.parallel), "more surges than asked for"

    def end_surge(self, number: int) -> None:
        life = self.extra[number]
        if life is None:
            del self.extra[number]
        else:
            self.dismissed.add(life.worker)
            self.stop(life)

    def exchange(self, slot: int) -> None:
        assert self.rollout is not None
        life = self.lives[slot]
        self.exchanges += 1
        if life is not None and life.serves:
            if self.rollout.is_going_back and self.spec.new != self.spec.old:
                assert life.revision == self.spec.new, "a good old worker was stopped for the undoing"
            self.down -= self.rollout._slots._given_up  # forced, or going back: those are not waited for
            stand_ins = sum(life is not None and life.serves for life in self.extra.values())
            if self.most_surges and not self.spec.force and not self.rollout._cover.without_surges:
                assert len(self.down) < stand_ins, "fewer are ready than before"
            else:
                assert len(self.down) <= max(0, stand_ins), "more than one fewer is ready"
            self.down.add(slot)
        if life is not None and not life.is_stopping:
            self.stop(life)
        elif life is None:
            self.retry(slot)

    def retry(self, number: int) -> None:
        self.may_start[number] = self.now
        if (self.extra if number in self.extra else self.lives)[number] is None:
            self.start(number)

    # ---- lives

    def start(self, number: int) -> None:
        revision = self.rollout.revision_of(number) if self.rollout and not self.rollout.outcome else self.present
        nature, random = self.natures[revision], self.random
        self.count += 1
        life = ALife(f"w{self.count}", number, revision, self.now)
        if nature.ready_in_s is not None:
            life.ready_at = self.now + nature.ready_in_s
        if nature.dies_in_s is not None:
            life.dies_at = self.now + nature.dies_in_s
        if random.random() < nature.death_chance:
            life.dies_at = self.now + random.uniform(0, 30)
        if random.random() < nature.flap_chance:
            life.flaps_at = self.now + random.uniform(0, 10)
        if random.random() < nature.faulty_chance:
            life.faulty_at = self.now + random.uniform(0, 20)
        (self.extra if number in self.extra else self.lives)[number] = life

    def stop(self, life: ALife) -> None:
        if not life.is_stopping:
            life.is_stopping = True  # and as ready as before, as far as anybody has told
            life.gone_at = self.now + STOPS_IN_S

    def all_lives(self) -> list[ALife]:
        return [life for life in [*self.lives.values(), *self.extra.values()] if life is not None]

    # ---- time

    def next_moment(self) -> float:
        moments: list[float] = []
        for life in self.all_lives():
            if life.is_stopping:
                moments.append(life.gone_at)
                continue
            moments += [life.dies_at, life.flaps_at, life.faulty_at]
            if life.ready_since is None:
                moments.append(life.ready_at)
            if life.first_ready is None:
                moments.append(life.since + START_TIMEOUT_S)
        moments += [self.may_start.get(number, self.now) for number in self.slots() if self.waits(number)]
        moments += [at for at, _ in self.shares] + self.kills
        if self.rollout and (deadline := self.rollout.next_deadline()) is not None:
            moments.append(deadline)
        return max(self.now, min(moments, default=inf))

    def until(self, moment: float) -> None:
        while (at := self.next_moment()) <= moment and at < inf:
            self.now = at
            self.happen()
        self.now = max(self.now, moment) if moment < inf else self.now

    def happen(self) -> None:
        """What is due now, one thing after the other, and a look of the rollout after each."""
        while self.shares and self.shares[0][0] <= self.now:
            self.scale(self.shares.pop(0)[1])
            self.look()
        while self.kills and self.kills[0] <= self.now:
            self.kills.pop(0)
            self.kill()
        for life in self.all_lives():
            if self.befalls(life):
                self.look()
        for number in self.slots():
            if self.waits(number) and self.may_start.get(number, 0.0) <= self.now:
                self.start(number)
        self.look()

    def kill(self) -> None:
        living = [life for life in self.all_lives() if not life.is_stopping]
        if living:
            victim = self.random.choice(living)
            victim.was_asked, victim.dies_at = True, self.now

    def befalls(self, life: ALife) -> bool:
        """Let happen to this life what is due; False where nothing is."""
        never_ready = life.first_ready is None and life.since + START_TIMEOUT_S <= self.now
        if life.is_stopping:
            if life.gone_at > self.now:
                return False
            self.gone(life, heal_in=0.0)
        elif life.dies_at <= self.now:
            self.die(life)
        elif life.faulty_at <= self.now or never_ready:
            self.fault(life)
        elif life.flaps_at <= self.now:
            if life.ready_since is not None:
                life.ready_since, life.ready_at = None, self.now + self.random.uniform(1, 8)
            life.flaps_at = self.now + self.random.uniform(5, 15)
        elif life.ready_since is None and life.ready_at <= self.now:
            life.ready_since = self.now
            life.first_ready = self.now if life.first_ready is None else life.first_ready
            self.down.discard(life.number)
        else:
            return False
        return True

    def waits(self, number: int) -> bool:
        """Whether the slot is to be started; not while a surge has its number."""
        return self.lives[number] is None and number not in self.extra

    def die(self, life: ALife) -> None:
        if self.rollout:
            self.rollout.ended(life.number, life, "exit code 1", self.now, was_asked=life.was_asked)
        self.gone(life, heal_in=self.random.uniform(0.2, 30))

    def fault(self, life: ALife) -> None:
        if self.rollout:
            self.rollout.faulty(life.number, life, "not-ready", self.now)
        life.faulty_at = inf
        self.stop(life)

    def gone(self, life: ALife, heal_in: float) -> None:
        if self.extra.get(life.number) is life:
            if life.worker in self.dismissed:
                del self.extra[life.number]
            else:
                self.extra[life.number] = None
        elif life.number >= (self.share or 0):
            del self.lives[life.number]
            self.down.discard(life.number)
        else:
            self.lives[life.number] = None
            self.may_start[life.number] = self.now + heal_in

    def scale(self, share: int) -> None:
        self.share = share
        for number in range(share):
            self.lives.setdefault(number, None)
        for number, life in list(self.lives.items()):
            if number >= share:
                if life is None:
                    del self.lives[number]
                else:
                    self.stop(life)
        self.down = {number for number in self.down if number < share}

    # ---- what must hold

    @property
    def parallel(self) -> int:
        return part(self.spec.parallel, max([self.share or 1, *(share for _, share in self.shares)]))

    def look(self) -> None:
        if self.rollout is None:
            return
        self.rollout.step(self.now)
        slots = self.slots().items()
        exposed = sum(
            life is not None and life.revision == self.spec.new != self.spec.old and life.first_ready is None
            for _, life in slots
        )
        self.most_exposed = max(self.most_exposed, exposed)
        self.most_seen_surges = max(self.most_seen_surges, len(self.extra))
