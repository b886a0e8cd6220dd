"""The watchdog ends what it guards when it is time, whatever has become of its owner, and touches nothing else."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autohealer.processes.tree import procfs
from autohealer.processes.watchdog import program as guard
from autohealer.processes.watchdog.owner import ANSWER_WITHIN_S, Watchdog, WatchdogCallbacks, now
from tests.processes.conftest import World
from tests.processes.owner import VARIABLE
from tests.support.processes import Processes, eventually

# Of this very process of pytest: the watchdog of another must not end what is ours.
MARKER = {"AUTOHEALER_AGENT": f"host-{os.getpid()}", "AUTOHEALER_POOL": "default"}
LATER = 1000.0
STUBBORN = "trap '' TERM; echo began; while :; do sleep 0.05; done"
SLEEPERS = f"9{os.getpid()}.0"  # seconds by which the sleepers of this very test are told
POLITE = "trap 'echo asked; exit 0' TERM; echo began; while :; do sleep 0.05; done"


class Owned:
    """A watchdog in the test's own loop, and what it has said."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.said: list[str] = []
        self.watchdog = Watchdog(
            world.loop,
            MARKER,
            signal.SIGTERM,
            WatchdogCallbacks(
                lambda: self.said.append("ready"),
                lambda: self.said.append("gone"),
                lambda: self.said.append("clear"),
            ),
        )

    def start(self) -> Watchdog:
        self.watchdog.start()
        self.wait_for("ready")
        return self.watchdog

    def wait_for(self, word: str) -> None:
        """Wait until the watchdog has said this, and forget it."""
        self.world.run_until(lambda: word in self.said)
        self.said.remove(word)

    def bash(self, script: str, env: dict[str, str] | None = None) -> int:
        """Start a worker that bears the marker, and wait until it says that it has begun."""
        before = self.world.output().count("began")
        _, pid = self.world.start("bash", "-c", script, env=MARKER if env is None else env)
        self.world.run_until(lambda: self.world.output().count("began") > before)
        return pid

    def close(self) -> None:
        self.watchdog.release()
        self.world.run_until(lambda: self.watchdog.pid is None)


@pytest.fixture
def owned(world: World) -> Iterator[Owned]:
    owned = Owned(world)
    yield owned
    owned.close()


def is_alive(pid: int) -> bool:
    stat = procfs.read_stat(pid)
    return stat is not None and not stat.is_gone


def test_the_stop_signal_comes_first_then_sigkill(owned: Owned) -> None:
    watchdog = owned.start()
    polite, stubborn = owned.bash(POLITE), owned.bash(STUBBORN)
    began = now()
    watchdog.extend(began + 0.1, began + 0.6)

    owned.world.run_until(lambda: not is_alive(polite))
    asked_at = now()
    assert began + 0.1 <= asked_at < began + 0.6
    assert "asked" in owned.world.output()
    assert is_alive(stubborn)
    owned.wait_for("clear")
    assert now() >= began + 0.6
    assert not is_alive(stubborn)


def test_a_worker_is_asked_once_and_may_take_its_time(owned: Owned) -> None:
    watchdog = owned.start()
    owned.bash("trap 'echo asked; sleep 0.4; echo done; exit 0' TERM; echo began; while :; do sleep 0.05; done")
    watchdog.extend(now(), now() + LATER)
    owned.wait_for("clear")

    assert owned.world.output().split() == ["began", "asked", "done"]


def test_while_authority_grows_nothing_happens(owned: Owned) -> None:
    watchdog = owned.start()
    pid = owned.bash(POLITE)
    began = now()
    while now() < began + 1.5:
        watchdog.extend(now() + 1, now() + 1)
        owned.world.loop.run_until_complete(asyncio.sleep(0.1))  # the passing of time is the subject

    assert is_alive(pid)
    assert owned.said == []


def test_authority_that_comes_back_in_time_calls_the_end_off(owned: Owned) -> None:
    watchdog = owned.start()
    stubborn = owned.bash(STUBBORN)
    polite = owned.bash(POLITE)
    watchdog.extend(now(), now() + LATER)
    owned.world.run_until(lambda: not is_alive(polite))
    watchdog.extend(now() + LATER, now() + LATER)
    another = owned.bash(POLITE)
    watchdog.extend(now() + LATER, now() + LATER)
    owned.world.run_until(lambda: not watchdog._unanswered)

    assert is_alive(stubborn)
    assert is_alive(another)
    watchdog.extend(now(), now())
    owned.wait_for("clear")
    assert not is_alive(stubborn)
    assert not is_alive(another)


def test_orders_in_quick_succession_do_not_put_the_answer_off(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[bytes] = []
    monkeypatch.setattr(guard, "say", said.append)
    program = guard.WatchdogProgram(signal.SIGTERM, frozenset({os.getuid()}), ["AUTOHEALER_AGENT=nobody has this name"])
    for later in (LATER, 2 * LATER, 3 * LATER):
        program._obey(b"until", b"0", str(now() + later).encode())
        program.act()

    assert said == [guard.TAKEN, guard.TAKEN, guard.CLEAR, guard.TAKEN, guard.CLEAR]


def test_descendants_go_too_wherever_they_went(owned: Owned) -> None:
    watchdog = owned.start()
    scripts = {
        "child": f"sleep {SLEEPERS}1 & echo began; wait",
        "daemon": f"(setsid sleep {SLEEPERS}2 &) ; echo began; sleep {SLEEPERS}3",
        "daemon that ignores": f"(trap '' TERM; setsid sleep {SLEEPERS}4 &) ; echo began; sleep {SLEEPERS}5",
        "without environment, in the session": f"env -i sleep {SLEEPERS}6 & echo began; wait",
        "without environment and session": f"env -i setsid sleep {SLEEPERS}7 & echo began; wait",
    }
    for script in scripts.values():
        owned.bash(script)
    owned.world.run_until(lambda: len([pid for pid in procfs.process_ids() if is_sleeper(pid)]) == 7)
    watchdog.extend(now(), now() + 0.2)
    owned.wait_for("clear")

    assert not [pid for pid in procfs.process_ids() if is_sleeper(pid)]


def is_sleeper(pid: int) -> bool:
    command = procfs.read_file(f"/proc/{pid}/cmdline") or b""
    return command.startswith(b"sleep\0" + SLEEPERS.encode())


def test_one_that_overwrites_its_environment_is_known_by_its_pid(owned: Owned) -> None:
    watchdog = owned.start()
    titled = owned.bash("exec env -i bash -c 'echo began; sleep 1000; true'")
    watchdog.extend(now(), now())
    owned.wait_for("clear")
    assert is_alive(titled)

    watchdog.extend(now() + LATER, now() + LATER)
    watchdog.add(titled)
    watchdog.extend(now(), now())
    owned.wait_for("clear")
    assert not is_alive(titled)


def test_what_one_that_ended_at_once_left_in_its_session_is_known_by_its_pid(owned: Owned) -> None:
    watchdog = owned.start()
    worker, pid = owned.world.start("bash", "-c", f"env -i sleep {SLEEPERS}8 &", env=MARKER)
    owned.world.exit_of(worker)
    watchdog.add(pid)
    owned.world.run_until(lambda: any(map(is_sleeper, procfs.process_ids())))
    watchdog.extend(now(), now())
    owned.wait_for("clear")

    assert not any(map(is_sleeper, procfs.process_ids()))


def test_a_process_that_was_removed_is_a_stranger(owned: Owned) -> None:
    watchdog = owned.start()
    stranger = owned.bash("echo began; sleep 1000", env={})
    watchdog.add(stranger)
    watchdog.remove(stranger)
    watchdog.extend(now(), now())
    owned.wait_for("clear")

    assert is_alive(stranger)


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"AUTOHEALER_AGENT": MARKER["AUTOHEALER_AGENT"]},
        {**MARKER, "AUTOHEALER_AGENT": MARKER["AUTOHEALER_AGENT"] + "x"},
        {**MARKER, "AUTOHEALER_AGENT": "x" + MARKER["AUTOHEALER_AGENT"]},
        {"NOTE": " ".join(f"{name}={value}" for name, value in MARKER.items())},
    ],
    ids=["no marker", "half of it", "a longer value", "a value that ends like it", "quoted"],
)
def test_neighbours_are_spared(owned: Owned, env: dict[str, str]) -> None:
    watchdog = owned.start()
    neighbour = owned.bash("echo began; sleep 1000", env=env)
    marked = owned.bash(POLITE)
    watchdog.extend(now(), now())
    owned.wait_for("clear")

    assert not is_alive(marked)
    assert is_alive(neighbour)


def test_what_is_started_after_the_end_is_ended_as_well(owned: Owned) -> None:
    watchdog = owned.start()
    watchdog.extend(now(), now())
    owned.wait_for("clear")
    late = owned.world.start("sleep", "1000", env=MARKER)[1]

    owned.world.run_until(lambda: not is_alive(late))


def test_released_it_leaves_and_ends_nothing(owned: Owned) -> None:
    watchdog = owned.start()
    pid = owned.bash(POLITE)
    watchdog.extend(now() + 0.1, now() + 0.1)
    program = watchdog.pid
    watchdog.release()
    owned.world.run_until(lambda: watchdog.pid is None)

    assert program is not None
    assert procfs.read_stat(program) is None  # reaped
    assert is_alive(pid)
    assert owned.said == []


def test_its_death_is_told_and_another_one_knows_what_it_knew(owned: Owned) -> None:
    watchdog = owned.start()
    titled = owned.bash("exec env -i bash -c 'echo began; sleep 1000; true'")
    watchdog.add(titled)
    began = now()
    watchdog.extend(began + 0.5, began + 0.5)
    os.kill(pid_of(watchdog), signal.SIGKILL)
    owned.wait_for("gone")
    assert not watchdog.ready
    assert watchdog.pid is None

    owned.start()
    owned.wait_for("clear")
    assert now() >= began + 0.5
    assert not is_alive(titled)


def test_a_frozen_one_is_replaced(owned: Owned) -> None:
    watchdog = owned.start()
    frozen = pid_of(watchdog)
    os.kill(frozen, signal.SIGSTOP)
    began = time.monotonic()
    watchdog.extend(now() + LATER, now() + LATER)
    owned.wait_for("gone")

    assert time.monotonic() - began >= ANSWER_WITHIN_S
    assert procfs.read_stat(frozen) is None
    assert pid_of(owned.start()) != frozen


def test_former_ones_of_the_same_marker_are_relieved(owned: Owned, world: World) -> None:
    former, stranger = Owned(world), Owned(world)
    stranger.watchdog = Watchdog(
        world.loop,
        {**MARKER, "AUTOHEALER_POOL": "other"},
        signal.SIGTERM,
        WatchdogCallbacks(lambda: stranger.said.append("ready"), lambda: stranger.said.append("gone")),
    )
    former.start()
    stranger.start()
    owned.start().relieve_former()
    former.wait_for("gone")

    assert owned.watchdog.ready
    assert stranger.watchdog.ready
    assert is_alive(pid_of(stranger.watchdog))
    stranger.close()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_signals_for_its_owner_are_not_for_it(owned: Owned, signum: signal.Signals) -> None:
    watchdog = owned.start()
    os.kill(pid_of(watchdog), signum)
    pid = owned.bash(POLITE)
    watchdog.extend(now(), now() + LATER)
    owned.wait_for("clear")

    assert not is_alive(pid)


def test_it_is_small_and_alone(owned: Owned) -> None:
    pid = pid_of(owned.start())
    fields = procfs.status_fields(pid)
    stat = procfs.read_stat(pid)
    environ = procfs.environment(pid)

    assert int(fields["RssAnon"].split()[0]) < 8 * 1024  # measured: 3.4 MiB
    assert stat is not None
    assert stat.session == stat.group == pid
    assert sorted(path.name for path in Path(f"/proc/{pid}/fd").iterdir()) == ["0", "1", "2", "3"]
    assert Path(f"/proc/{pid}/cwd").resolve() == Path("/")
    assert environ is not None
    assert procfs.variable(environ, "AUTOHEALER_AGENT") is None


# ---- without its owner


class Orphaned:
    """A watchdog whose owner is a process of its own."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes

    def start(self, stop_in: float, kill_in: float, script: str) -> tuple[subprocess.Popen[str], int]:
        """The owner and its watchdog's pid, once the worker has begun."""
        command = (sys.executable, "-m", "tests.processes.owner", str(stop_in), str(kill_in), script)
        owner = self.processes.start(*command, env={VARIABLE: f"host-orphan-{os.getpid()}"})
        self.wait_for("began")
        found = re.search(r"watchdog (\d+)", self.wait_for("watchdog"))
        assert found is not None
        return owner, int(found[1])

    def wait_for(self, text: str) -> str:
        def said() -> str:
            output = self.processes.read()
            return output if text in output else ""

        return eventually(said, what=f"{text} in the output")


@pytest.fixture
def orphaned(processes: Processes) -> Orphaned:
    return Orphaned(processes)


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_an_owner_that_cannot_speak_does_not_matter(orphaned: Orphaned, fate: signal.Signals) -> None:
    began = now()
    owner, watchdog = orphaned.start(1.0, 1.5, f"({STUBBORN.replace('began', 'stubborn')}) & {POLITE}")
    orphaned.wait_for("stubborn")
    owner.send_signal(fate)

    orphaned.wait_for("asked")
    assert now() >= began + 1.0
    survivors = {owner.pid, watchdog} if fate == signal.SIGSTOP else {watchdog}
    eventually(lambda: set(orphaned.processes.alive()) <= survivors, what="the end of the workers")
    assert now() >= began + 1.5
    if fate == signal.SIGKILL:
        eventually(lambda: not is_alive(watchdog), what="the end of the watchdog")


def test_a_killed_owners_workers_live_as_long_as_its_authority(orphaned: Orphaned) -> None:
    owner, watchdog = orphaned.start(LATER, LATER, POLITE)
    owner.kill()
    owner.wait()
    eventually(lambda: not Path(f"/proc/{watchdog}/fd/3").exists(), what="that it hears of its owner's end")

    assert is_alive(watchdog)
    assert "asked" not in orphaned.processes.read()


def test_an_owner_that_dies_before_it_had_authority_leaves_no_watchdog(world: World) -> None:
    owned = Owned(world)
    watchdog = owned.start()
    pid = owned.bash(POLITE)
    assert watchdog._socket is not None
    watchdog._socket.shutdown(2)
    owned.wait_for("gone")

    assert is_alive(pid)


def pid_of(watchdog: Watchdog) -> int:
    assert watchdog.pid is not None
    return watchdog.pid


def test_what_another_user_has_marked_is_not_ended(world: World) -> None:
    """Anybody can write an environment."""
    worker, pid = world.start("sleep", "600", env=MARKER)
    marker = [f"{name}={value}" for name, value in MARKER.items()]
    eventually(lambda: pid in guard.OwnProcesses(marker, frozenset({os.getuid()})).look(()))

    assert pid not in guard.OwnProcesses(marker, frozenset({os.getuid() + 1})).look(())
    assert world.watcher.is_alive(worker)


def test_without_descriptors_nothing_is_taken_to_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[bytes] = []
    monkeypatch.setattr(guard, "say", said.append)
    program = guard.WatchdogProgram(signal.SIGTERM, frozenset({os.getuid()}), ["AUTOHEALER_AGENT=nobody has this name"])
    program._obey(b"until", b"0", b"0")
    said.clear()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, limit[1]))
    try:
        pauses = [program.act() for _ in range(3)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)

    assert said == []
    assert pauses == [guard.SHORTEST_PAUSE_S] * 3
