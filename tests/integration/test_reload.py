"""``reload``: a file that says something else is applied pool by pool, and what is equal is not touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Processes, eventually

WITHIN_S = 60.0


class File:
    """A configuration file, the agent that runs it, and what its pools are."""

    def __init__(self, processes: Processes, path: Path) -> None:
        self.processes, self.path = processes, path
        self.agent: subprocess.Popen[str]

    def write(self, **pools: dict[str, Any]) -> None:
        """One table for each pool; ``sleep`` where nothing else is said."""
        lines = []
        for name, options in pools.items():
            lines.append(f"[pools.{name}]")
            for key, value in {"command": ["sleep", "1000"], "register-grace": 0.3, **options}.items():
                lines.append(f"{key} = {json.dumps(value)}")
        self.path.write_text("\n".join(lines) + "\n")

    def run(self) -> None:
        self.agent = self.processes.autohealer("run", "--config", self.path)

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.processes.run_autohealer(*arguments, timeout=110)

    def status(self, pool: str) -> dict[str, Any]:
        answer = self.call("status", "--pool", pool, "--json")
        found: dict[str, Any] = json.loads(answer.stdout) if answer.stdout else {}
        return found

    def pids(self, pool: str) -> list[int]:
        return sorted(worker["pid"] for worker in self.status(pool).get("workers", []) if worker["pid"])

    def until_running(self, pool: str, count: int) -> list[int]:
        def as_wanted() -> bool:
            found = self.status(pool)
            pids = [worker["pid"] for worker in found.get("workers", []) if worker["pid"]]
            return found.get("running") == len(pids) == count

        eventually(as_wanted, WITHIN_S, f"{count} of {pool}")
        return self.pids(pool)


@pytest.fixture
def file(processes: Processes, tmp_path: Path) -> Iterator[File]:
    made = File(processes, tmp_path / "pools.toml")
    yield made
    if made.agent.poll() is None:
        made.agent.send_signal(signal.SIGTERM)
        made.agent.wait(WITHIN_S)


def test_equal_new_missing_and_scaled_pools(file: File) -> None:
    """One is not touched, one has another number, one is new, one goes; then the file says what runs."""
    file.write(same={"workers": 2}, scaled={"workers": 1}, gone={"workers": 1})
    file.run()
    same = file.until_running("same", 2)
    (one,) = file.until_running("scaled", 1)
    file.until_running("gone", 1)
    file.write(same={"workers": 2}, scaled={"workers": 3}, new={"workers": 1})

    dry = file.call("reload", "--pool", "same", "--dry-run")
    assert dry.returncode == 0, dry
    assert "scaled: workers: 1 -> 3" in dry.stdout
    assert "new: new" in dry.stdout
    assert "gone: no longer there" in dry.stdout
    assert len(file.pids("scaled")) == 1

    answer = file.call("reload", "--pool", "same")
    assert answer.returncode == 0, answer
    assert "3 of 4 pools changed" in answer.stdout
    assert one in file.until_running("scaled", 3)
    file.until_running("new", 1)
    eventually(lambda: file.call("status", "--pool", "gone").returncode == 3, WITHIN_S)
    assert file.pids("same") == same
    again = file.call("reload", "--pool", "same")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "nothing has changed")
    os.kill(same[0], signal.SIGKILL)
    eventually(lambda: len(set(file.pids("same")) - set(same)) == 1, WITHIN_S)


def test_another_command_is_a_rollout(file: File) -> None:
    """All workers of that pool are new; one that is worse undoes itself, and the exit code is 4."""
    file.write(web={"workers": 2}, other={"workers": 1})
    file.run()
    old, other = file.until_running("web", 2), file.until_running("other", 1)
    file.write(web={"workers": 2, "command": ["sleep", "2000"]}, other={"workers": 1})
    answer = file.call("reload", "--pool", "web", "--soak", "0.2")
    assert answer.returncode == 0, answer
    new = file.until_running("web", 2)
    assert not set(new) & set(old)
    assert {Path(f"/proc/{pid}/cmdline").read_bytes() for pid in new} == {b"sleep\x002000\x00"}
    assert file.pids("other") == other
    file.write(web={"workers": 2, "command": ["false"]}, other={"workers": 1})
    bad = file.call("reload", "--pool", "web", "--soak", "0.2")
    assert bad.returncode == 4, bad
    assert file.until_running("web", 2) == new


def test_what_concerns_no_worker_touches_none(file: File) -> None:
    """Another runner goes on with the pool, in the same process, with other options."""
    file.write(web={"workers": 2, "stop-timeout": "10s"}, other={"workers": 1})
    file.run()
    workers = file.until_running("web", 2)
    file.write(web={"workers": 2, "stop-timeout": "5s", "backoff-max": "7s"}, other={"workers": 1})
    answer = file.call("reload", "--pool", "other")
    assert answer.returncode == 0, answer
    assert file.until_running("web", 2) == workers
    os.kill(workers[0], signal.SIGKILL)
    eventually(lambda: len(set(file.pids("web")) - set(workers)) == 1, WITHIN_S)
    assert file.call("reload", "--pool", "web", "--dry-run").stdout.splitlines()[-1] == "nothing has changed"


def test_a_file_that_does_not_hold_changes_nothing(file: File) -> None:
    """It is said where it is wrong, also in `status`, and what runs goes on."""
    file.write(web={"workers": 2})
    file.run()
    workers = file.until_running("web", 2)
    assert file.status("web")["config"]["state"] == "same"
    file.path.write_text('[pools.web]\ncommand = "sleep 1"\nworkerz = 3\n')
    answer = file.call("reload")
    assert answer.returncode == 2
    assert "pools.toml:3" in answer.stderr
    assert "workerz" in answer.stderr
    assert file.pids("web") == workers
    config = file.status("web")["config"]
    assert (config["file"], config["state"]) == (str(file.path), "invalid")
    assert "pools.toml:3" in config["detail"]
    file.write(web={"workers": 3})
    assert file.status("web")["config"]["state"] == "differs"


def test_where_no_worker_may_outlive_its_agent_the_rest_is_applied(file: File) -> None:
    """What another runner would go on with waits for the next start, is said to, and keeps nothing else back."""
    strict = {"on-partition": "stop", "workers": 1}
    file.write(web={**strict, "stop-timeout": "10s"})
    file.run()
    (one,) = file.until_running("web", 1)
    file.write(web={**strict, "stop-timeout": "5s", "workers": 2})
    answer = file.call("reload")
    assert answer.returncode == 0, answer
    assert "stop-timeout: 10 -> 5 (takes effect at the next start of the pool: `autohealer stop`" in answer.stdout
    assert one in file.until_running("web", 2)
    assert file.status("web")["config"]["state"] == "differs"


def test_what_can_be_read_only_once_is_not_waited_for(file: File) -> None:
    """A pipe to which nobody writes: status and reload say so, and a file that is there again is read."""
    file.write(web={"workers": 1})
    file.run()
    file.until_running("web", 1)
    file.path.unlink()
    os.mkfifo(file.path)
    answer = file.call("reload")
    assert (answer.returncode, "is no regular file" in answer.stderr) == (2, True), answer
    assert "is no regular file" in file.status("web")["config"]["detail"]
    file.path.unlink()
    file.write(web={"workers": 2})
    assert file.call("reload").returncode == 0
    file.until_running("web", 2)


def test_an_agent_without_a_file(processes: Processes) -> None:
    """There is nothing to read again."""
    agent = processes.autohealer("run", "1", "--", "sleep", "1000")
    eventually(lambda: processes.run_autohealer("status").returncode == 0, WITHIN_S)
    answer = processes.run_autohealer("reload")
    assert answer.returncode == 2
    assert "not started with --config" in answer.stderr
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(WITHIN_S) == 0


def test_a_pool_comes_after_another(file: File) -> None:
    """Its first workers are started once the other has been ready; adopted ones are healed without waiting."""
    slow = {"workers": 1, "ready": "after:4s"}
    file.write(web={"workers": 1, "after": ["db"]}, db=slow)
    file.run()
    eventually(lambda: "pool web: waits until db has been ready once" in file.processes.read(), WITHIN_S)
    web = file.until_running("web", 1)
    lines = file.processes.read().splitlines()
    ready = next(n for n, line in enumerate(lines) if line.startswith("db ") and "is ready" in line)
    started = next(n for n, line in enumerate(lines) if line.startswith("web ") and "started" in line)
    assert ready < started
    assert file.call("leave", "--pool", "db").returncode == 0
    assert file.agent.wait(WITHIN_S) == 7
    file.run()
    assert file.until_running("web", 1) == web
    assert file.processes.read().count("waits until db") == 1
