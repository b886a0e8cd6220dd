"""Which slots a rollout has still to exchange, which it has, and whose new life is trusted."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from autohealer.core.pool.fleet import FleetLife


class Exchanges:
    """The slots of one rollout, by number."""

    def __init__(self) -> None:
        self.todo: set[int] = set()
        self._replaced: dict[int, str | None] = {}
        """Those that were exchanged, with the worker that they had before."""
        self._settled: set[int] = set()
        """Those of them whose new life is trusted, or is not waited for any more."""
        self._given_up: set[int] = set()
        self._adds_none = False
        """It goes back, or ends: what is not to be exchanged by now never is."""

    @property
    def all(self) -> int:
        """How many slots it is about."""
        return len(self.todo) + len(self._replaced)

    @property
    def done(self) -> Collection[int]:
        """The slots that were exchanged."""
        return self._replaced.keys()

    @property
    def waited_for(self) -> set[int]:
        """The slots that were exchanged and whose new life is not trusted yet."""
        return self._replaced.keys() - self._settled

    @property
    def trusted(self) -> int:
        """How many slots have a new life that is trusted."""
        return len(self._settled - self._given_up)

    @property
    def given_up(self) -> int:
        """How many slots were exchanged and are not waited for any more."""
        return len(self._given_up)

    @property
    def is_through(self) -> bool:
        """Whether nothing is to be exchanged, nor waited for."""
        return not self.todo and not self.waited_for

    def has_new(self, number: int, life: FleetLife | None) -> bool:
        """Whether this is the slot's life since it was exchanged, and not the one before."""
        return life is not None and number in self._replaced and life.worker != self._replaced[number]

    def waits_for(self, number: int) -> bool:
        """Whether the slot was exchanged and its new life is not trusted yet."""
        return number in self._replaced and number not in self._settled

    # ---- changes

    def begin(self, number: int, former: str | None) -> None:
        """This slot is exchanged now; ``former`` is the worker that it has."""
        self.todo.discard(number)
        self._replaced[number] = former

    def settle(self, number: int) -> None:
        """The slot's new life is trusted."""
        self._settled.add(number)

    def give_up(self, number: int) -> None:
        """The slot's new life is not waited for any more."""
        self._settled.add(number)
        self._given_up.add(number)

    def look(self, slots: Mapping[int, FleetLife | None], worker: str | None) -> None:
        """Which slots there are; all of them are to be exchanged, or that of this worker alone."""
        self.keep(slots.keys())
        if self._adds_none:
            self.todo &= slots.keys()
        else:
            self.todo = {
                number
                for number, life in slots.items()
                if number not in self._replaced and (worker is None or (life is not None and life.worker == worker))
            }

    def keep(self, present: Collection[int]) -> None:
        """Forget slots that are not there any more."""
        self._replaced = {number: former for number, former in self._replaced.items() if number in present}
        self._settled &= self._replaced.keys()
        self._given_up &= self._settled

    def turn_back(self) -> None:
        """What was exchanged is to be exchanged again, and nothing else."""
        self._adds_none = True
        self.todo = set(self._replaced)
        self._replaced.clear()
        self._settled.clear()

    def drop(self) -> None:
        """Nothing is to be done any more."""
        self._adds_none = True
        self.todo.clear()
        self._replaced.clear()
        self._settled.clear()
