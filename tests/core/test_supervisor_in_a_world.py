"""One supervisor in a world where anything happens: always safe, and well once it is left in peace."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from autohealer.core import actions, events
from autohealer.core.model import Child, Plan, PoolSpec, RegistrationMode
from autohealer.core.operations import Operation
from tests.core.world import Answer, Habit, World

MOST = 5
WAYS = [
    (RegistrationMode.AUTO, Habit.BY_ID),
    (RegistrationMode.AUTO, Habit.ANONYMOUSLY),
    (RegistrationMode.AUTO, Habit.NEVER),
    (RegistrationMode.SELF, Habit.BY_ID),
    (RegistrationMode.SELF, Habit.ANONYMOUSLY),
    (RegistrationMode.AGENT, Habit.NEVER),
    (RegistrationMode.AGENT, Habit.BY_ID),
]
PICK = st.integers(0, 2**16)
COUNTS = st.integers(0, MOST)
SECONDS = st.sampled_from([0.0, 0.01, 0.3, 1.0, 2.0, 5.0, 10.0, 60.0, 3600.0])
SELDOM = st.sampled_from([False] * 39 + [True])
NEWS = ["target", "plan", "agents", "children", "registrations", "stand-ins"]


class SupervisorInAWorld(RuleBasedStateMachine):
    """Rules are what can happen; safety is checked by the world at every event, liveness at the end."""

    world: World

    @initialize(
        workers=st.integers(1, MOST),
        way=st.sampled_from(WAYS),
        max_failures=st.sampled_from([None, None, 3]),
        adopted=st.lists(st.integers(0, MOST), max_size=4),
        stands=st.none() | COUNTS,
        overwrite=st.booleans(),
        settled=st.sampled_from([True, True, False]),
    )
    def begin(
        self,
        *,
        workers: int,
        way: tuple[RegistrationMode, Habit],
        max_failures: int | None,
        adopted: list[int],
        stands: int | None,
        overwrite: bool,
        settled: bool,
    ) -> None:
        registration, habit = way
        spec = PoolSpec("default", workers, registration=registration, max_failures=max_failures)
        self.world = World(spec, habit, target=stands, overwrite_target=overwrite)
        for number, slot in enumerate(adopted):
            self.world.adopt(f"me-{slot}-old{number}", slot)
        if settled:
            self.it_is_left_in_peace(really=True)

    # ---- processes

    @precondition(lambda self: self.world.in_flight)
    @rule(pick=PICK, how=st.sampled_from(Answer))
    def an_order_is_done_or_fails(self, pick: int, how: Answer) -> None:
        self.world.answer(self.world.in_flight[pick % len(self.world.in_flight)], how)

    @precondition(lambda self: self.world.in_flight)
    @rule(together=st.booleans())
    def all_orders_are_done(self, *, together: bool) -> None:
        with self.world.together(really=together):
            for order in self.world.in_flight.copy():
                self.world.answer(order)

    @precondition(lambda self: self.world.processes)
    @rule(pick=PICK)
    def a_worker_dies(self, pick: int) -> None:
        self.world.die(sorted(self.world.processes)[pick % len(self.world.processes)])

    @precondition(lambda self: self.world.processes)
    @rule(together=st.booleans())
    def all_workers_die(self, *, together: bool) -> None:
        with self.world.together(really=together):
            for worker in sorted(self.world.processes):
                self.world.die(worker)

    @precondition(lambda self: any(process.dying for process in self.world.processes.values()))
    @rule()
    def those_that_were_told_to_die_do(self) -> None:
        for worker in [worker for worker, process in self.world.processes.items() if process.dying]:
            self.world.die(worker)

    @precondition(lambda self: self.world.processes)
    @rule(pick=PICK)
    def a_worker_grows_deaf(self, pick: int) -> None:
        list(self.world.processes.values())[pick % len(self.world.processes)].deaf = True

    @precondition(lambda self: self.world.dead)
    @rule(pick=PICK, kind=st.sampled_from(["exit", "spawned", "evidence", "orphans", "seen", "gone", "stand-in"]))
    def news_of_a_dead_worker_comes_late_or_twice(self, pick: int, kind: str) -> None:
        worker = self.world.dead[pick % len(self.world.dead)]
        match kind:
            case "exit":
                self.world.tell(events.ProcessExited, worker, 0, None)
            case "spawned":
                self.world.tell(events.WorkerSpawned, worker, 99, "then")
            case "evidence":
                self.world.tell(events.EvidenceTaken, worker, events.Evidence())
            case "orphans" if not any(getattr(order, "worker", "") == worker for order in self.world.in_flight):
                self.world.tell(events.OrphansEnded, worker)
            case "seen":
                self.world.tell(events.RegistrationSeen, worker)
            case "gone":
                self.world.tell(events.RegistrationGone, worker)
            case "stand-in":
                self.world.tell(events.StandInMade, worker)

    # ---- registrations

    @precondition(lambda self: self.world.processes)
    @rule(pick=PICK)
    def a_worker_registers(self, pick: int) -> None:
        self.world.register(sorted(self.world.processes)[pick % len(self.world.processes)])

    @precondition(lambda self: self.world.own or self.world.anonymous)
    @rule(pick=PICK)
    def a_workers_session_ends(self, pick: int) -> None:
        registered = sorted([*self.world.own, *self.world.anonymous])
        self.world.unregister(registered[pick % len(registered)])

    @precondition(lambda self: self.world.connected)
    @rule()
    def everything_in_zookeeper_is_wiped(self) -> None:
        self.world.wipe()

    @rule(number=st.integers(0, 3), by_id=st.booleans())
    def a_foreign_worker_comes_or_goes(self, number: int, by_id: bool) -> None:
        child = Child(f"gone-{number}-u", f"gone-{number}-u") if by_id else Child(f"worker_foreign{number}", None)
        self.world.foreign ^= {child}
        self.world.unread.add("children")

    # ---- ZooKeeper and the other agents

    @precondition(lambda self: self.world.connected)
    @rule(what=st.sampled_from(NEWS))
    def news_is_read(self, what: str) -> None:
        self.world.read(what)

    @precondition(lambda self: self.world.connected)
    @rule()
    def all_news_is_read(self) -> None:
        for what in NEWS:
            self.world.read(what)

    @precondition(lambda self: self.world.connected)
    @rule()
    def the_connection_breaks(self) -> None:
        self.world.suspend()

    @precondition(lambda self: self.world.session and not self.world.connected)
    @rule()
    def the_connection_is_mended(self) -> None:
        self.world.resume()

    @precondition(lambda self: self.world.session)
    @rule()
    def the_session_ends(self) -> None:
        self.world.lose_session()

    @precondition(lambda self: not self.world.session)
    @rule()
    def a_session_opens(self) -> None:
        self.world.open_session()

    @precondition(lambda self: self.world.connected and self.world.leader != "me")
    @rule()
    def this_agent_is_elected(self) -> None:
        self.world.elect("me")

    @precondition(lambda self: self.world.others and self.world.connected)
    @rule(share=COUNTS, named=st.booleans())
    def another_agent_leads_and_writes_a_plan(self, share: int, named: bool) -> None:
        self.world.elect("other")
        shares = {"other": 1, "me": share} if named else {"other": 1}
        self.world.put_plan(Plan(self.world.epoch, "other", self.world.target or 0, 0, shares))

    @rule()
    def another_agent_joins_or_leaves(self) -> None:
        self.world.others ^= {"other"}
        self.world.unread.add("agents")

    @rule(share=st.none() | COUNTS)
    def somebody_damages_the_plan(self, share: int | None) -> None:
        self.world.put_plan(None if share is None else Plan(1, "somebody", MOST, 0, {"me": share}))

    # ---- people and time

    @rule(number=COUNTS)
    def somebody_scales(self, number: int) -> None:
        self.world.target = number
        self.world.unread.add("target")

    @precondition(lambda self: self.world.ids)
    @rule(pick=PICK)
    def somebody_asks_for_a_worker_to_be_killed(self, pick: int) -> None:
        worker = sorted(self.world.ids)[pick % len(self.world.ids)]
        orders = self.world.tell(events.OperationRequested, Operation("o1", "kill", worker))

        assert self.world.exits or any(isinstance(order, actions.AnswerOperation) for order in orders)

    @rule(seconds=SECONDS, punctual=st.booleans())
    def time_passes(self, seconds: float, punctual: bool) -> None:
        self.world.pass_time(seconds, punctual=punctual)

    @rule(really=SELDOM)
    def the_agent_is_told_to_end(self, really: bool) -> None:
        if really:
            self.world.drain()

    @rule(really=SELDOM)
    def the_agent_is_told_to_end_at_once(self, really: bool) -> None:
        if really:
            self.world.kill()

    # ---- the end

    @rule(really=SELDOM)
    def it_is_left_in_peace(self, really: bool) -> None:
        if really:
            self.world.calm()
            self.world.assert_well()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.it_is_left_in_peace(really=True)
        self.world.drain()
        self.world.calm()
        self.world.assert_ended()


TestSupervisorInAWorld = SupervisorInAWorld.TestCase
TestSupervisorInAWorld.settings = settings(max_examples=200, stateful_step_count=50)
