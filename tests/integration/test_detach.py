"""``run --detach``: it returns once the share runs, or says why not; nothing of the terminal is held."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from autohealer.cli.support.detaching import last_longer
from tests.support.pools import QUICK, Pool
from tests.support.processes import Processes, eventually


def test_it_returns_once_the_share_runs(embedded_pool: Pool) -> None:
    """The agent is in a session of its own, with nothing of ours; it heals, and `stop` ends it."""
    processes = embedded_pool.processes
    answer = processes.run_autohealer("run", "3", *QUICK, "-d", "--", "sleep", "1000")
    assert answer.returncode == 0, answer
    assert "pool default runs without this terminal (pid " in answer.stdout
    assert answer.stderr == ""
    workers = embedded_pool.pids()
    assert len(workers) == 3
    (agent,) = embedded_pool.status()["agents"]
    pid = agent["pid"]
    assert f"(pid {pid})" in answer.stdout
    assert os.getsid(pid) == pid
    assert [str(Path(f"/proc/{pid}/fd/{fd}").readlink()) for fd in (0, 1, 2)] == ["/dev/null"] * 3
    os.kill(workers[0], signal.SIGKILL)
    embedded_pool.until_replaced(workers, [0])
    assert embedded_pool.call("stop").returncode == 0
    eventually(lambda: processes.alive() == [])


def test_it_says_what_it_could_not_start_for(processes: Processes) -> None:
    """With the exit code that `run` itself has."""
    answer = processes.run_autohealer("run", "1", "--detach", "--", "/no/such/program")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("error: command not found: /no/such/program")
    assert len(answer.stderr.splitlines()) == 1
    unreachable = processes.run_autohealer(
        "run", "1", "--detach", "--zk", "127.0.0.1:1", "--connect-timeout", "0.5", "--", "sleep", "1000"
    )
    assert unreachable.returncode == 3
    assert "no ZooKeeper answers at 127.0.0.1:1" in unreachable.stderr
    assert processes.alive() == []


def test_it_says_what_lacks_while_the_agent_goes_on(embedded_pool: Pool) -> None:
    """4, and why; what was wrong meanwhile is in agent.log."""
    answer = embedded_pool.processes.run_autohealer(
        "run", "2", *QUICK, "-d", "--connect-timeout", "10", "--start-timeout", "1", "--", "sh", "-c", "exit 3"
    )
    assert answer.returncode == 4, answer
    assert "not all runs after 11 s: pool default: 0 of 2 workers run" in answer.stderr
    assert "exit 3" in answer.stderr
    assert "the agent goes on, as pid " in answer.stderr
    assert embedded_pool.status()["target"] == 2
    assert (embedded_pool.folder / "agent.log").stat().st_mode & 0o777 == 0o600
    assert embedded_pool.call("stop").returncode == 0


def test_what_fails_at_once_does_not_run() -> None:
    """It may be seen to run at one look, and is another one at the next; where nothing is to run there is no other."""
    assert not last_longer(None, frozenset("a"))
    assert not last_longer(frozenset("a"), frozenset("b"))
    assert last_longer(frozenset("ab"), frozenset("bc"))
    assert last_longer(frozenset(), frozenset())


def test_several_pools_of_a_file(processes: Processes, tmp_path: Path) -> None:
    """All of them are waited for."""
    file = tmp_path / "pools.toml"
    file.write_text(
        '[pools.web]\ncommand = ["sleep", "1000"]\nworkers = 2\n[pools.queue]\ncommand = "sleep 1000"\nworkers = 1\n'
    )
    answer = processes.run_autohealer("run", "-d", "--config", file)
    assert answer.returncode == 0, answer
    assert [line.split()[1] for line in answer.stdout.splitlines()] == ["web", "queue"]
    for name, count in (("web", 2), ("queue", 1)):
        status = json.loads(processes.run_autohealer("status", "--pool", name, "--json").stdout)
        assert status["running"] == count
        assert processes.run_autohealer("stop", "--pool", name).returncode == 0
    eventually(lambda: processes.alive() == [])


def test_what_does_not_go_with_it(processes: Processes) -> None:
    """There is no terminal to write to."""
    for options in (("--log", "stdout"), ("--dashboard",)):
        answer = processes.run_autohealer("run", "1", "-d", *options, "--", "sleep", "1000")
        assert answer.returncode == 2
        assert "--detach and" in answer.stderr
