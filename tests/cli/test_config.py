"""``config check``, ``show`` and ``schema``, and ``run --config``."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.support.processes import Processes, eventually

FILE = """
[defaults]
stop-timeout = 2
[pools.web]
command = "sleep 1000"
workers = 2
[pools.db]
command = ["sh", "-c", "echo $LEVEL $PWD; sleep 1000"]
workers = 1
cwd = "data"
env = { LEVEL = "s3cret" }
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration of two pools."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "autohealer.toml"
    path.write_text(FILE)
    return path


def test_a_file_that_holds(processes: Processes, file: Path) -> None:
    checked = processes.run_autohealer("config", "check", str(file))
    as_json = processes.run_autohealer("config", "check", "--json", str(file))

    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == f"web: 2 workers\ndb: 1 worker\n{file} holds\n"
    assert json.loads(as_json.stdout) == {
        "file": str(file),
        "pools": [{"pool": "web", "workers": 2, "after": []}, {"pool": "db", "workers": 1, "after": []}],
        "warnings": [],
    }


def test_a_command_that_is_not_there(processes: Processes, file: Path) -> None:
    """Is found before anything is started."""
    file.write_text(FILE.replace("sleep 1000", "no-such-command", 1))

    checked = processes.run_autohealer("config", "check", str(file))

    assert (checked.returncode, checked.stdout) == (2, "")
    assert checked.stderr.startswith(f"error: {file}: pool web: command not found: no-such-command; check its spelling")


WRONG_WHERE_IT_RUNS = {
    'probe-http = ["nonsense"]': "pool web: 'nonsense' is no URL",
    'user = "nobody-of-that-name"': "pool web: ",
    'ready = "log:("': "pool web: ",
    'cwd = "missing"': "pool web: the working directory ",
}


@pytest.mark.parametrize(("line", "says"), WRONG_WHERE_IT_RUNS.items())
def test_what_can_only_be_seen_where_it_runs(processes: Processes, file: Path, line: str, says: str) -> None:
    """As far as it can be seen without starting anything."""
    file.write_text(FILE.replace("[pools.web]", f"[pools.web]\n{line}"))

    checked = processes.run_autohealer("config", "check", str(file))

    assert (checked.returncode, checked.stdout) == (2, "")
    assert checked.stderr.startswith(f"error: {file}: {says}")
    assert checked.stderr.count("\n") == 1


def test_what_a_file_says(processes: Processes, file: Path) -> None:
    """With where it says so; secrets are not shown."""
    shown = processes.run_autohealer("config", "show", "--origin", str(file))
    as_json = json.loads(processes.run_autohealer("config", "show", "--json", "--origin", str(file)).stdout)
    schema = json.loads(processes.run_autohealer("config", "schema").stdout)

    assert "stop-timeout = 2                         # [defaults]" in shown.stdout.splitlines()
    assert as_json["pools"]["db"]["cwd"] == str(file.parent / "data")
    assert as_json["origins"]["pools"]["web"]["stop_timeout"] == "[defaults]"
    assert "s3cret" not in shown.stdout + json.dumps(as_json)
    assert schema["required"] == ["pools"]


WRONG = {
    "3": "N and CMD stand in the file with --config; write them into FILE",
    "--stop-timeout 3": "--stop-timeout is no option beside --config; it is stop-timeout in [defaults], in FILE",
    "--pool web": "--pool is no option beside --config; it is the name of a table there, in FILE",
    "-- sleep 60": "N and CMD stand in the file with --config; write them into FILE",
}


@pytest.mark.parametrize(("more", "says"), WRONG.items())
def test_what_stands_in_the_file_is_not_typed_as_well(processes: Processes, file: Path, more: str, says: str) -> None:
    answer = processes.run_autohealer("run", "--config", str(file), *more.split())

    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == f"error: {says.replace('FILE', str(file))}\n"


def test_a_file_with_a_mistake(processes: Processes, file: Path) -> None:
    """One line, and nothing is started."""
    file.write_text(FILE + "stop-timeut = 3\n")

    answer = processes.run_autohealer("run", "--config", str(file))

    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == f"error: {file}:12: pools.db.stop-timeut is not known; did you mean stop-timeout?\n"
    assert not processes.state_dir.exists()


def test_the_pools_of_a_file_run(processes: Processes, file: Path) -> None:
    """All in one process, each with its own folder, environment and directory."""
    agent = processes.autohealer("run", "--config", str(file), "--json")

    def states() -> list[int]:
        answers = [processes.run_autohealer("status", "--pool", pool, "--json") for pool in ("web", "db")]
        return [json.loads(answer.stdout)["running"] if answer.stdout else 0 for answer in answers]

    eventually(lambda: states() == [2, 1])
    written = eventually(lambda: processes.run_autohealer("logs", "--pool", "db").stdout)
    agent.send_signal(signal.SIGTERM)

    assert agent.wait(60) == 0
    assert f"s3cret {os.path.realpath(file.parent / 'data')}" in written


def test_a_file_that_is_read_again(processes: Processes, file: Path) -> None:
    """Without --pool: it concerns the whole process. The difference is told first, and only what differs is touched."""
    agent = processes.autohealer("run", "--config", str(file), "--json")
    run = processes.run_autohealer
    eventually(lambda: run("status", "--all").returncode == 0)
    former = json.loads(run("status", "--pool", "db", "--json").stdout)["workers"]
    file.write_text(FILE.replace("workers = 2", "workers = 3"))

    planned = run("reload", "--dry-run")
    reloaded = json.loads(run("reload", "--json").stdout)

    assert planned.stdout.splitlines()[:2] == [
        "web: workers: 2 -> 3 (workers are started or stopped)",
        "db: not changed",
    ]
    assert reloaded["difference"] == planned.stdout.splitlines()[: len(reloaded["difference"])]
    eventually(lambda: json.loads(run("status", "--pool", "web", "--json").stdout)["running"] == 3)
    assert json.loads(run("status", "--pool", "db", "--json").stdout)["workers"][0]["pid"] == former[0]["pid"]

    file.write_text(FILE + "x = 1\n")
    refused = run("reload")
    assert refused.returncode == 2
    assert f"{file}:12: pools.db.x is not known" in refused.stderr
    agent.send_signal(signal.SIGTERM)
    assert agent.wait(60) == 0
