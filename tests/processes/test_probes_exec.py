"""Probes that run a command: their sessions, their output, their end, and how many there may be."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from autohealer.errors import UsageError
from autohealer.processes.probes.exec import ExecProbe, Turns, WorkerSetup
from autohealer.processes.probes.life import ProbeAnswer, ProbedLife
from tests.processes.conftest import World
from tests.support.processes import command_line

MANY = 1000


class Bench:
    """Commands are run as probes of workers, and answers noted down."""

    def __init__(self, world: World, most: int = MANY) -> None:
        self.world, self.turns = world, Turns(most)
        self.answers: list[ProbeAnswer] = []

    def probe(self, command: str) -> ExecProbe:
        """A probe of a pool whose workers have the test's environment."""
        return ExecProbe(
            self.world.loop,
            self.world.reaper,
            command,
            WorkerSetup(
                lambda life: self.world.processes.environment(
                    {"AUTOHEALER_WORKER_ID": life.worker, "AUTOHEALER_AGENT": "a"}
                ),
                "/",
            ),
            self.turns,
        )

    def answer(self, command: str) -> ProbeAnswer:
        """Run it to its end."""
        self.probe(command).begin(ProbedLife("w", 4711, 3, 8003), self.answers.append)
        self.world.run_until(lambda: self.answers)
        return self.answers[-1]

    def processes(self) -> list[int]:
        """Whatever runs of it."""
        return self.world.processes.alive()


@pytest.fixture
def bench(world: World) -> Bench:
    """No bound on how many run."""
    return Bench(world)


def test_success_and_failure(world: World) -> None:
    """Exit code 0 is success; else the code and the last line that was said."""
    assert Bench(world).answer("true").ok
    assert Bench(world).answer("false") == ProbeAnswer(ok=False, detail="exit code 1")
    said = "sh -c 'echo first; echo the db is away >&2; exit 3'"
    assert Bench(world).answer(said) == ProbeAnswer(ok=False, detail="exit code 3: the db is away")
    assert Bench(world).answer("sh -c 'kill -SEGV $$'") == ProbeAnswer(ok=False, detail="killed by SIGSEGV")


def test_what_it_is_given(bench: Bench) -> None:
    """Placeholders in words, the worker's environment, a session of its own, no input; and no shell."""
    script = (
        "import os, sys; print(sys.argv[1:], os.environ['AUTOHEALER_WORKER_ID'], os.getsid(0) == os.getpid(), "
        "sys.stdin.read(), 'AUTOHEALER_AGENT' in os.environ); sys.exit(1)"
    )
    said = bench.answer(f'{sys.executable} -c "{script}" "{{slot}} {{port}}" {{worker}} {{pid}} $HOME;')

    assert said.detail == "exit code 1: ['3 8003', 'w', '4711', '$HOME;'] w True  False"


def test_much_output_is_no_harm(bench: Bench) -> None:
    """It is read, so that the command does not hang over it, and its end kept."""
    said = bench.answer(f"{sys.executable} -c \"print('x' * 10_000_000); print('end'); raise SystemExit(1)\"")

    assert said.detail == "exit code 1: end"


def test_who_holds_the_output_open_is_not_waited_for(bench: Bench) -> None:
    """A daemon that the command leaves behind."""
    assert bench.answer("sh -c 'sleep 1000 & exit 0'").ok


def test_it_is_killed_as_a_tree(bench: Bench, world: World) -> None:
    """Children in sessions of their own go, too; and its exit code is collected."""
    inner = "import os, time; os.setsid(); time.sleep(1000)"
    outer = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', '{inner}']); p.wait()"
    attempt = bench.probe(f'{sys.executable} -c "{outer}"').begin(ProbedLife("w", 1, 0, None), bench.answers.append)
    world.run_until(lambda: sum("os.setsid()" in " ".join(command_line(pid)) for pid in bench.processes()) == 2)
    world.run_until(lambda: any(os.getsid(pid) == pid and _parent_is_probe(pid) for pid in bench.processes()))
    attempt.cancel()
    world.run_until(lambda: not bench.processes())
    world.run_until(lambda: not world.reaper.pids)

    assert bench.answers == []


def _parent_is_probe(pid: int) -> bool:
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return parent != os.getpid()


def test_never_two_of_one_worker(bench: Bench, world: World) -> None:
    """One that was given up must be gone before the next begins."""
    started = world.directory / "started"
    probe = bench.probe(f"sh -c 'echo x >> {started}; sleep 1000'")
    first = probe.begin(ProbedLife("w", 1, 0, None), bench.answers.append)
    world.run_until(started.exists)
    (pid,) = world.reaper.pids
    first.cancel()
    second = probe.begin(ProbedLife("w", 1, 0, None), bench.answers.append)
    assert second.began is None
    world.run_until(lambda: second.began is not None)

    assert pid not in world.reaper.pids
    second.cancel()


def test_only_so_many_at_once(world: World) -> None:
    """The others wait in line; whoever leaves it is not started."""
    bench = Bench(world, most=2)
    probe = bench.probe("sleep 1000")
    attempts = [probe.begin(ProbedLife(f"w{n}", 1, n, None), bench.answers.append) for n in range(5)]
    assert [attempt.began is not None for attempt in attempts] == [True, True, False, False, False]
    attempts[2].cancel()
    attempts[0].cancel()
    world.run_until(lambda: attempts[3].began is not None)

    assert [attempt.began is not None for attempt in attempts[1:]] == [True, False, True, False]
    for attempt in attempts:
        attempt.cancel()
    world.run_until(lambda: bench.turns.running == 0)
    assert bench.answers == []


def test_a_command_that_vanishes_fails(bench: Bench, world: World) -> None:
    """And gives its turn back."""
    script = world.directory / "check"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    probe = bench.probe(str(script))
    script.unlink()
    probe.begin(ProbedLife("w", 1, 0, None), bench.answers.append)

    assert bench.answers == [ProbeAnswer(ok=False, detail="cannot run it: No such file or directory")]
    assert bench.turns.running == 0


@pytest.mark.parametrize("command", ["", "no-such-command-anywhere", "'unfinished", "/"])
def test_what_cannot_be_run(bench: Bench, command: str) -> None:
    """Refused at the start."""
    with pytest.raises(UsageError):
        bench.probe(command)


def test_the_dead_are_reaped(bench: Bench, world: World) -> None:
    """Nobody waits for one that has ended, and no zombie stays."""
    probe = bench.probe("true")
    probe.begin(ProbedLife("w", 1, 0, None), bench.answers.append)
    (pid,) = world.reaper.pids
    world.run_until(lambda: bench.answers)

    assert not world.reaper.pids
    assert not Path(f"/proc/{pid}").exists()
