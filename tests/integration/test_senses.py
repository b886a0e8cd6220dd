"""Workers that live and do not do their job are found by each sense, and only they."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support.pools import Pool
from tests.support.processes import ROOT, eventually

QUICK_PROBE = ("--probe-interval", "0.2", "--probe-timeout", "10")


class Sick:
    """A pool of workers that can be made sick."""

    def __init__(self, pool: Pool, folder: Path) -> None:
        self.pool, self.folder = pool, folder
        self.pids: dict[int, int] = {}

    def run(self, workers: int, *options: str, ports: bool = False) -> dict[int, int]:
        """Start them, and wait until they run."""
        self.begin(workers, *options, ports=ports)
        self.pids = self.pool.until_running(workers)
        return self.pids

    def begin(self, workers: int, *options: str, ports: bool = False) -> None:
        """Start them."""
        base = ("--port-base", str(free_ports(workers))) if ports else ()
        self.pool.run(
            workers, sys.executable, ROOT / "tests/support/sick_worker.py", self.folder, options=(*base, *options)
        )

    def fall(self, fault: str) -> None:
        """From now on."""
        (self.folder / fault).touch()

    def recover(self, fault: str) -> None:
        """No more."""
        (self.folder / fault).unlink()

    def until_faulty(self, slot: int, cause: str, fault: str | None = None) -> str:
        """This worker, and nobody else, is found faulty and replaced; what the sense saw."""
        event = self.pool.until_event("worker.faulty", slot=slot)
        assert event["cause"] == cause
        if fault is not None:
            self.recover(fault)
        self.pids = self.pool.until_replaced(self.pids, [slot])
        assert {faulty["slot"] for faulty in self.pool.events("worker.faulty")} == {slot}
        return str(event["detail"])


@pytest.fixture
def sick(embedded_pool: Pool, tmp_path: Path) -> Sick:
    """Not started yet."""
    folder = tmp_path / "faults"
    folder.mkdir()
    return Sick(embedded_pool, folder)


def free_ports(count: int) -> int:
    """The first of so many ports that nobody listens on now."""
    for base in range(21000, 29000, count + 1):
        with ExitStack() as stack, suppress(OSError):
            for port in range(base, base + count):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return base
    raise AssertionError("no ports are free")


def test_one_that_answers_500(sick: Sick) -> None:
    """It is unready at the first failure, and faulty after some."""
    sick.run(3, "--probe-http", "http://127.0.0.1:{port}/healthz", *QUICK_PROBE, ports=True)
    sick.pool.until_event("worker.ready", slot=1)
    sick.fall("bad-1")
    detail = sick.until_faulty(1, "probe", "bad-1")

    assert detail == "http://127.0.0.1:{port}/healthz: status 500: the database is away"
    assert sick.pool.events("worker.unready", slot=1)
    sick.pool.until_event("worker.ready", pid=sick.pids[1])


def test_a_failed_dependency_of_all_costs_a_part_of_them(sick: Sick) -> None:
    """One of four is being replaced, and the others are held, until they are well again."""
    pids = sick.run(4, "--probe-http", "http://127.0.0.1:{port}/", *QUICK_PROBE, ports=True)
    for slot in range(4):
        sick.pool.until_event("worker.ready", slot=slot)
    sick.fall("bad")
    eventually(lambda: len({event["slot"] for event in sick.pool.events("worker.held")}) == 3)
    sick.recover("bad")
    (faulty,) = {event["slot"] for event in sick.pool.events("worker.faulty")}
    sick.pool.until_event("worker.ready", pid=sick.pool.until_replaced(pids, [faulty])[faulty])

    assert {event["slot"] for event in sick.pool.events("worker.faulty")} == {faulty}


def test_verdicts_are_held_until_they_are_released(sick: Sick) -> None:
    """What is held is shown, and carried out after `release`."""
    options = ("--probe-http", "http://127.0.0.1:{port}/", *QUICK_PROBE)
    pids = sick.run(2, *options, ports=True)
    sick.pool.until_event("worker.ready", slot=1)
    assert sick.pool.call("hold", "probe").stdout == "held: probe\n"
    sick.fall("bad-1")
    sick.pool.until_event("worker.held", slot=1)
    assert sick.pool.status()["held"] == ["probe"]
    assert sick.pool.workers()[1]["held"] == "probe"
    assert sick.pool.pids() == pids
    assert sick.pool.call("hold", "nonsense").returncode == 2
    assert sick.pool.call("release").stdout == "nothing is held\n"

    assert "status 500" in sick.until_faulty(1, "probe", "bad-1")
    assert [event["verb"] for event in sick.pool.events("operation.done")] == ["hold", "release"]


def test_one_that_never_becomes_ready(sick: Sick) -> None:
    """The start timeout is the limit."""
    sick.fall("mute-0")
    sick.begin(2, "--ready", "notify", "--start-timeout", "3")
    event = sick.pool.until_event("worker.faulty")
    sick.recover("mute-0")
    sick.pool.until_running(2)

    assert (event["slot"], event["cause"]) == (0, "not-ready")
    assert event["detail"].startswith("not ready within 3 s")


def test_one_that_stops_beating(sick: Sick) -> None:
    """It beats no more, and lives."""
    sick.run(2, "--beat-timeout", "5")
    sick.pool.until_event("worker.ready", slot=0)
    sick.fall("mute-0")

    assert sick.until_faulty(0, "beat", "mute-0") == "no beat for 5 s"


def test_one_that_beats_and_finishes_nothing(sick: Sick) -> None:
    """Its progress stands still."""
    sick.run(2, "--progress-timeout", "5")
    sick.pool.until_event("worker.ready", slot=1)
    sick.fall("stuck-1")

    assert "has stood at" in sick.until_faulty(1, "progress", "stuck-1")


def test_progress_of_one_that_says_nothing(sick: Sick) -> None:
    """Read from a page that it serves anyway."""
    sick.fall("mute")
    source = "http://127.0.0.1:{port}/metrics#work_done"
    sick.run(2, "--progress-http", source, "--progress-timeout", "5", *QUICK_PROBE, ports=True)
    sick.pool.until_event("worker.ready", slot=0)
    sick.fall("stuck-0")
    event = sick.pool.until_event("worker.faulty")

    assert (event["slot"], event["cause"]) == (0, "progress")


def test_one_that_is_stopped(sick: Sick) -> None:
    """State T, by nobody's debugger, though its session is the agent's own."""
    pids = sick.run(2, "--stopped-timeout", "1", "--registration", "agent")
    os.kill(pids[1], signal.SIGSTOP)

    assert "stopped" in sick.until_faulty(1, "stopped")


def test_one_that_is_stopped_and_no_child_of_its_agent(sick: Sick) -> None:
    """It was adopted: the kernel tells others of its stops."""
    options = ("--stopped-timeout", "1", "--registration", "agent")
    pids = sick.run(2, *options)
    sick.pool.kill_agent()
    assert sick.run(2, *options) == pids
    os.kill(pids[0], signal.SIGSTOP)

    assert "stopped" in sick.until_faulty(0, "stopped")


def test_one_that_is_silent(sick: Sick) -> None:
    """Neither output nor CPU time; one that only sleeps now and then is not."""
    sick.fall("mute")
    sick.run(2, "--silence-timeout", "6", "--stopped-timeout", "0")
    sick.pool.until_event("worker.ready", slot=0)
    pid = sick.pids[0]
    os.kill(pid, signal.SIGSTOP)  # uses no CPU time at all, as one that waits for ever
    event = sick.pool.until_event("worker.faulty")

    assert (event["slot"], event["cause"]) == (0, "silent")


def test_one_that_outgrows_the_hard_limit(sick: Sick) -> None:
    """Killed at once, by SIGKILL."""
    sick.run(2, "--kill-rss", "150M", "--stopped-timeout", "1")
    victim = sick.pids[0]
    sick.fall("fat-0")
    detail = sick.until_faulty(0, "memory", "fat-0")

    assert "--kill-rss is 150 MiB" in detail
    assert sick.pool.until_event("worker.exited", pid=victim)["signal"] == "SIGKILL"


def test_a_line_of_output_makes_it_ready(sick: Sick) -> None:
    """``--ready log:``; the line of a former life does not."""
    pids = sick.run(1, "--ready", "log:^listen(ing)?$")
    sick.pool.until_event("worker.ready", pid=pids[0])
    os.kill(pids[0], signal.SIGKILL)
    pid = sick.pool.until_replaced(pids, [0])[0]

    sick.pool.until_event("worker.ready", pid=pid)


def test_a_command_that_checks(sick: Sick) -> None:
    """In the worker's environment; here it fails for one slot."""
    check = f"sh -c 'test ! -e {sick.folder}/bad-$AUTOHEALER_SLOT && test {{slot}} = $AUTOHEALER_SLOT'"
    sick.run(2, "--probe-exec", check, *QUICK_PROBE)
    sick.pool.until_event("worker.ready", slot=1)
    sick.fall("bad-1")

    assert sick.until_faulty(1, "probe", "bad-1").endswith("exit code 1")


def test_a_connection_that_is_accepted(sick: Sick) -> None:
    """Ready once it listens."""
    sick.run(1, "--probe-tcp", "{port}", *QUICK_PROBE, ports=True)

    sick.pool.until_event("worker.ready", slot=0)


def test_adopted_workers_go_on_beating(sick: Sick) -> None:
    """To the next agent, which finds those that stop, and no others."""
    sick.run(2, "--beat-timeout", "6")
    sick.pool.until_event("worker.ready", slot=0)
    sick.pool.until_event("worker.ready", slot=1)
    sick.pool.kill_agent()
    pids = sick.pids
    assert sick.run(2, "--beat-timeout", "6") == pids
    sick.fall("mute-1")

    assert sick.until_faulty(1, "beat", "mute-1") == "no beat for 6 s"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--probe-http", "nonsense"], "'nonsense' is no URL"),
        (["--probe-http", "http://127.0.0.1:{port}/"], "--probe-http has {port}, and there is no --port-base"),
        (["--probe-tcp", "x"], "'x' is no port"),
        (["--probe-exec", "no-such-command-here"], "command not found"),
        (["--probe-http", "http://h/", "--probe-status", "ok"], "'ok' is no list of HTTP statuses"),
        (["--ready", "probe"], "--ready probe, and there is no probe"),
        (["--ready", "log:(a+)+"], "'(a+)+' repeats what repeats itself"),
        (["--ready", "log:x", "--log", "none"], "--ready log: cannot be with --log none"),
        (["--progress-http", "http://h/"], "names no number"),
        (["--progress-busy", "http://h/#x"], "--progress-busy without --progress-http"),
        (["--max-rss", "2G", "--kill-rss", "1G"], "--kill-rss is not above --max-rss"),
    ],
)
def test_what_makes_no_sense_is_said_at_the_start(embedded_pool: Pool, options: list[str], error: str) -> None:
    """One line, exit code 2, and nothing is started."""
    done = embedded_pool.processes.run_autohealer("run", "1", *options, "--", "sleep", "1000")

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert error in done.stderr


def test_senses_that_nobody_asked_for_are_not_imported(embedded_pool: Pool) -> None:
    """The agent stays small."""
    code = (
        "import sys; from autohealer.runtime import agent_process; "
        "print(*[name for name in sys.modules if 'probes.' in name or name.endswith(('stats', 'log_match', 'psutil'))])"
    )
    done = embedded_pool.processes.run(sys.executable, "-c", code)

    assert (done.stdout, done.stderr) == ("\n", "")


NOTIFIER = (
    'use Socket; socket(my $s, PF_UNIX, SOCK_DGRAM, 0); send($s, "READY=1", 0, pack_sockaddr_un($ENV{NOTIFY_SOCKET}))'
    ' or die "cannot send: $!"; $| = 1; print join(" ", $<, $ENV{HOME}, $ENV{GREETING}, umask), "\n"; sleep 1000'
)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run workers as another user")
def test_workers_of_another_user(embedded_pool: Pool, tmp_path: Path) -> None:
    """They have its name, their limits and variables, are heard, checked by commands that run as they do, and ended."""
    variables = tmp_path / "env"
    variables.write_text("GREETING='from a file'\nHOME=/overridden\n")
    variables.chmod(0o600)
    options = ("--user", "nobody", "--limit", "nofile=77", "--umask", "027", "--env-file", str(variables))
    check = """sh -c 'test "$(id -u) $(ulimit -n) $GREETING" = "65534 77 from a file"'"""
    embedded_pool.run(
        1, "perl", "-e", NOTIFIER, options=(*options, "--ready", "notify", "--probe-exec", check, *QUICK_PROBE)
    )
    (pid,) = embedded_pool.until_running(1).values()
    embedded_pool.until_event("worker.ready", pid=pid)

    limits = Path(f"/proc/{pid}/limits").read_text()
    assert "Max open files            77                   77" in limits
    assert "65534 /overridden from a file 23" in embedded_pool.call("logs").stdout
    embedded_pool.kill_agent()
    assert embedded_pool.call("stop").returncode == 0
    eventually(lambda: not embedded_pool.living())


def test_one_that_outgrows_the_soft_limit_is_exchanged_replacement_first(sick: Sick) -> None:
    """Another is ready before it stops; and its incident says why."""
    pids = sick.run(2, "--max-rss", "150M", "--stopped-timeout", "1", "--registration", "agent")
    sick.fall("fat-0")
    faulty = sick.pool.until_event("worker.faulty", pid=pids[0])
    sick.recover("fat-0")
    sick.pool.until_replaced(pids, [0])
    in_between = sick.pool.events("worker.ready", slot=None)

    assert faulty["cause"] == "memory"
    assert "--max-rss is 150 MiB" in faulty["detail"]
    assert in_between[0]["time"] <= faulty["time"]
