"""``status`` of one pool and of several, and what it says when no agent runs any more; ``drain`` of the only agent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.pools import Pool
from tests.support.processes import Processes, eventually

FILE = """
[defaults]
stop-timeout = 2
[pools.web]
command = "sleep 1000"
workers = 2
[pools.db]
command = "sleep 1001"
workers = 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two pools in one file."""
    path = tmp_path / "autohealer.toml"
    path.write_text(FILE)
    return path


def test_several_pools_and_what_is_left_of_them(processes: Processes, file: Path) -> None:
    """A line each, or a list; without their agent the workers that go on are counted, with what can be done."""
    agent = processes.autohealer("run", "--config", str(file), "--json")
    eventually(lambda: processes.run_autohealer("status", "--all").returncode == 0)

    shown = processes.run_autohealer("status")
    listed = json.loads(processes.run_autohealer("status", "--all", "--json").stdout)
    one = json.loads(processes.run_autohealer("status", "--pool", "db", "--json").stdout)

    assert [line.split()[:3] for line in shown.stdout.splitlines()] == [
        ["pool", "running", "of"],
        ["db", "1", "1"],
        ["web", "2", "2"],
    ]
    assert [pool["pool"] for pool in listed] == ["db", "web"]
    assert listed[0].keys() == one.keys()

    agent.kill()
    agent.wait()
    left = processes.run_autohealer("status", "--pool", "web")
    assert left.returncode == 3
    assert (
        "; 2 workers that it left go on, and are not healed; the same `autohealer run` takes them over" in left.stderr
    )
    assert "--zk" not in left.stderr
    for pool in ("web", "db"):
        assert processes.run_autohealer("stop", "--pool", pool).returncode == 0
    gone = processes.run_autohealer("status", "--pool", "web")
    assert gone.stderr.endswith("; start one with: autohealer run N -- CMD, or name the right --pool or --state-dir\n")


def test_no_pool_at_all(processes: Processes) -> None:
    for arguments in (("status", "--all"), ("status", "--all", "--json"), ("status",)):
        answer = processes.run_autohealer(*arguments)
        assert (answer.returncode, answer.stdout) == (3, "")
        assert answer.stderr.startswith("error: no agent runs pool default in ")


def test_nobody_takes_over_from_the_only_agent(own_pool: Pool) -> None:
    """Which is said before it is drained, after, and as long as it is."""
    own_pool.run(2)
    own_pool.until_running(2)
    run = own_pool.processes.run_autohealer

    drained = run("drain")
    shown = run("status")
    undone = run("drain", "--undo")

    assert drained.stderr == "note: no other agent takes over: nothing runs until `autohealer drain --undo`\n"
    assert "is empty; nobody has taken over: autohealer drain --undo" in drained.stdout
    assert "is drained; autohealer drain --undo" in shown.stdout
    assert shown.returncode == 6
    assert undone.stdout.endswith("may have workers again\n")
    own_pool.until_running(2)
    assert own_pool.stop() == 0


def test_what_came_of_a_verb_as_json(own_pool: Pool) -> None:
    """One object, whichever verb it was, and nothing else on stdout."""
    own_pool.run(2)
    own_pool.until_running(2)
    worker = own_pool.workers()[0]["worker"]

    def asked(*arguments: str) -> dict[str, object]:
        answer = own_pool.processes.run_autohealer(*arguments, "--json")
        assert answer.returncode == 0, answer.stderr
        found: dict[str, object] = json.loads(answer.stdout)
        return found

    killed = asked("kill", "0")
    scaled = asked("scale", "3")
    held = asked("hold", "probe")
    drained = asked("drain", "--no-wait")
    undone = asked("drain", "--undo")
    stopped = asked("stop")

    assert (killed["verb"], killed["subject"], killed["outcome"]) == ("kill", worker, "done")
    assert isinstance(killed["pid"], int)
    assert (scaled["subject"], scaled["running"]) == ("3", 3)
    assert (held["verb"], held["subject"]) == ("hold", "probe")
    assert (drained["outcome"], undone["outcome"]) == ("asked", "done")
    assert (stopped["pool"], stopped["left"]) == ("default", 0)
