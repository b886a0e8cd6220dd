"""``autohealer report`` on a pool that has really lived."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.pools import Pool
from tests.support.processes import Processes
from tests.support.terminals import COLOR, Terminal

ONE_LINE = re.compile(r"error: .+; .+\n")


def data(pool: Pool, *arguments: str) -> dict[str, Any]:
    """The report as a program gets it."""
    answer = pool.call("report", "--json", *arguments)
    assert (answer.returncode, answer.stderr) == (0, "")
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def kill(pool: Pool, slot: int) -> None:
    """What no worker survives; back when another runs in its place, and the log says so."""
    before = pool.pids()
    os.kill(before[slot], signal.SIGKILL)
    pid = pool.until_replaced(before, [slot])[slot]
    pool.until_event("worker.started", pid=pid)


def test_a_life(own_pool: Pool, tmp_path: Path) -> None:
    """A death, the end of the agent, its return with adopted workers, and the end: all of it is told."""
    own_pool.run(3)
    own_pool.until_running(3)
    kill(own_pool, 1)
    found = data(own_pool)
    assert (found["pool"], found["deaths"], found["heals"], found["notes"]) == ("default", 1, 1, [])
    assert [(cause["cause"], cause["deaths"], cause["heals"]) for cause in found["causes"]] == [("SIGKILL", 1, 1)]
    assert [slot["slot"] for slot in found["slots"]] == [0, 1, 2]
    assert 0 < found["availability"] < 1
    assert sum(bucket["heals"] for bucket in found["heal_ms"]["buckets"]) == 1

    own_pool.kill_agent()
    alone = data(own_pool)
    assert (alone["heals"], len(alone["notes"])) == (1, 1)
    assert "no agent runs here now" in alone["notes"][0]

    own_pool.run(3)
    own_pool.until_running(3)
    kill(own_pool, 2)
    adopted = data(own_pool)
    assert (adopted["heals"], adopted["worker_seconds"]["unknown"]) == (2, 0)
    assert adopted["slots"][0]["up"][0]["to"] == adopted["until"]
    assert len(adopted["slots"][0]["up"]) == 1

    assert own_pool.stop() == 0
    ended = data(own_pool)
    assert ended["heals"] == 2
    assert ended["notes"][0].endswith("SIGTERM")
    text = own_pool.call("report").stdout
    assert text.isascii()
    assert "2 deaths" in text
    assert "SIGKILL" in text

    page = tmp_path / "report.html"
    answer = own_pool.call("report", "--html", str(page))
    assert (answer.returncode, answer.stdout) == (0, f"written: {page}\n")
    assert "agent was told to end at" in page.read_text()


# ---- what can be asked of a log alone

LOG = """\
{"time": "2026-01-02T03:00:00.000000Z", "event": "target.changed", "target": 1, "former": null}
{"time": "2026-01-02T03:00:00.000000Z", "event": "plan.changed", "target": 1, "foreign": 0, \
"shares": {"web1-k3x9qa": 1}}
{"time": "2026-01-02T03:00:00.000000Z", "event": "worker.started", "worker": "web1-k3x9qa-0-a1", "pid": 7, "slot": 0}
"""
DEATH = """\
{"time": "2026-01-02T03:00:50.000000Z", "event": "worker.exited", "worker": "web1-k3x9qa-0-a1", "pid": 7, "slot": 0, \
"code": 3, "signal": null, "uptime": 50.0, "cause": "exit 3"}
{"time": "2026-01-02T03:01:00.000000Z", "event": "worker.started", "worker": "web1-k3x9qa-0-a2", "pid": 8, "slot": 0, \
"heal_ms": 10000.0}
"""


@pytest.fixture
def folder(processes: Processes) -> Path:
    """Of a pool that nobody runs any more, whose log has been renewed once."""
    folder = processes.state_dir / "default"
    folder.mkdir(parents=True)
    (folder / "events.jsonl.1").write_text(LOG)
    (folder / "events.jsonl").write_text(DEATH + '{"time": "2026-01-02T03:01:')
    return folder


def test_the_older_part_of_the_log_is_read(processes: Processes, folder: Path) -> None:
    """And a line that is torn off is waited for in vain, and is no error."""
    found = json.loads(processes.run_autohealer("report", "--json").stdout)
    assert found["worker_seconds"] == {"wanted": 60.0, "running": 50.0, "unknown": 0.0}
    assert [cause["cause"] for cause in found["causes"]] == ["exit 3"]
    (folder / "events.jsonl.1").unlink()
    cut = json.loads(processes.run_autohealer("report", "--json").stdout)
    assert cut["heals"] == 1
    assert "the log does not say how many were wanted" in cut["notes"][1]


def test_another_pool_and_place(processes: Processes, folder: Path) -> None:
    """As with other commands."""
    folder.rename(folder.parent / "web")
    answer = processes.run_autohealer("report", "--pool", "web", "--state-dir", folder.parent, "--json")
    assert json.loads(answer.stdout)["pool"] == "web"


@pytest.mark.usefixtures("folder")
def test_both_at_once(processes: Processes, tmp_path: Path) -> None:
    """JSON for a program, and the page for people; what stdout holds is JSON alone."""
    answer = processes.run_autohealer("report", "--json", "--html", tmp_path / "report.html")
    assert json.loads(answer.stdout)["heals"] == 1
    assert answer.stderr.startswith("written: ")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")


@pytest.mark.usefixtures("folder")
def test_the_page_to_stdout(processes: Processes) -> None:
    """For a pipe."""
    answer = processes.run_autohealer("report", "--html", "-")
    assert answer.stdout.startswith("<!doctype html>")
    assert answer.stdout.endswith("</html>\n")


@pytest.mark.usefixtures("folder")
def test_a_page_is_replaced_as_a_whole(processes: Processes, tmp_path: Path) -> None:
    """Through a link, too; what is there is not lost where the new one cannot be written."""
    page, link = tmp_path / "pages" / "report.html", tmp_path / "link"
    page.parent.mkdir()
    page.write_text("former")
    link.symlink_to(page)
    assert processes.run_autohealer("report", "--html", link).returncode == 0
    assert link.is_symlink()
    assert page.read_text().startswith("<!doctype html>")
    assert [path.name for path in page.parent.iterdir()] == ["report.html"]
    assert stat.S_IMODE(page.stat().st_mode) & 0o600 == 0o600
    assert processes.run_autohealer("report", "--html", "/dev/null").returncode == 0


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        ("--html /no/such/place/report.html", "cannot write /no/such/place/report.html: No such file", 2),
        ("--html /", "cannot write /: Is a directory", 2),
        ("--html - --json", "--html - and --json both write to stdout", 2),
        ("--since soon", "'soon' is not a number of seconds", 2),
        ("--since 5x", "'5x' is not a number of seconds", 2),
        ("--since 0", "0 is not a number of seconds from 0.001 up", 2),
        ("--since infd", "infd is not a number of seconds", 2),
        ("--since 5m", "no agent of pool default runs here; see all of it without --since, or with --since ", 2),
        ("--pool none", "there are no events of pool none in ", 3),
        ("--sinse 5m", "--since", 2),
    ],
)
def test_what_cannot_be(processes: Processes, arguments: str, says: str, code: int) -> None:
    """One line says what, and what to do."""
    answer = processes.run_autohealer("report", *arguments.split())
    assert (answer.returncode, answer.stdout) == (code, "")
    assert ONE_LINE.fullmatch(answer.stderr)
    assert says in answer.stderr


def test_durations(own_pool: Pool) -> None:
    """In seconds, or with a unit; the window is that of the time now."""
    own_pool.run(1)
    own_pool.until_running(1)
    for typed, asked_s in {"900": 900, "90.5s": 90.5, "5m": 300, "1h": 3600, "2d": 172_800}.items():
        found = data(own_pool, "--since", typed)
        asked = datetime.fromisoformat(found["until"]) - datetime.fromisoformat(found["asked"])
        assert asked.total_seconds() == pytest.approx(asked_s, abs=1e-3)
    assert own_pool.stop() == 0


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("columns", [60, 150])
def test_on_a_terminal(terminal: Terminal, columns: int) -> None:
    """Within its width; a glyph and a word say what the colours say."""
    terminal.resize(columns, 40)
    terminal.start("report")
    terminal.until("▲ down")
    assert terminal.ended() == 0
    assert COLOR.search(terminal.sent)
    assert any(re.search(r"0 +10 s +exit 3", line) for line in terminal.lines)


@pytest.mark.usefixtures("folder")
def test_no_color(terminal: Terminal) -> None:
    """Not one, and the same words."""
    terminal.start("report", env={"NO_COLOR": "1"})
    terminal.until("▲ down")
    assert terminal.ended() == 0
    assert not COLOR.search(terminal.sent)
