"""``autohealer logs`` and ``events``: what is asked for, of pools that have ended, too."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime

import pytest

from autohealer.processes.output import index
from autohealer.processes.output.files import OutputFiles, identity
from autohealer.processes.output.index import Head, Mark
from autohealer.runtime.state_dir import StateDir
from tests.support.pools import Pool
from tests.support.processes import Processes, eventually

NOON = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC).timestamp()


class Written:
    """A pool that has ended, with what its workers wrote."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.state = StateDir(processes.state_dir, "default", {})
        self.state.create()
        self.files = OutputFiles(self.state.output_dir, 10_000)
        self._written: dict[int, int] = {}

    def write(self, slot: int, text: str, at: float) -> None:
        opened = self.files.open(slot)
        os.write(opened.fd, text.encode())
        if slot not in self._written:
            index.append(self.files.path(slot), [Head(0, 0, identity(os.fstat(opened.fd)))])
        os.close(opened.fd)
        self._written[slot] = opened.size + len(text.encode())
        self.mark(slot, at)

    def mark(self, slot: int, at: float, worker: str | None = None, pid: int | None = None, how: str = "") -> None:
        mark = Mark(self._written.get(slot, 0), NOON + at, worker, pid, how or None)
        index.append(self.files.path(slot), [mark])

    def logs(self, *arguments: str) -> list[str]:
        answer = self.processes.run_autohealer("logs", *arguments)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.splitlines()


@pytest.fixture
def written(processes: Processes) -> Written:
    written = Written(processes)
    written.write(0, "a0 one\n", 1)
    written.write(1, "b1 two\n", 2)
    written.write(0, "a0 three\n", 3)
    written.write(1, "b1 four\n10%\r55%\rdone\r\n", 4)
    return written


def test_lines_of_all_slots_are_merged_by_time(written: Written) -> None:
    assert written.logs() == ["   0 | a0 one", "   1 | b1 two", "   0 | a0 three", "   1 | b1 four", "   1 | done"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("-n", "1"), ["   0 | a0 three", "   1 | done"]),
        (("-n", "0"), []),
        (("0", "-n", "1"), ["a0 three"]),
        (("--grep", "t[wh]"), ["   1 | b1 two", "   0 | a0 three"]),
        (("--grep", "a0", "-n", "1"), ["   0 | a0 three"]),
        (("--since", "2026-01-02T12:00:03Z"), ["   0 | a0 three", "   1 | b1 four", "   1 | done"]),
        (("--until", "2026-01-02T12:00:02Z"), ["   0 | a0 one", "   1 | b1 two"]),
        (("--since", "2026-01-02T12:00:02Z", "--until", "2026-01-02T12:00:03Z", "0"), ["a0 three"]),
        (("0", "-t", "--utc", "-n", "1"), ["2026-01-02 12:00:03.000Z  a0 three"]),
    ],
)
def test_what_is_asked_for(written: Written, arguments: tuple[str, ...], expected: list[str]) -> None:
    assert written.logs(*arguments) == expected


def test_json_has_what_is_known_of_each_line(processes: Processes) -> None:
    written = Written(processes)
    written.mark(0, 0.5, "x-0-a", 11)
    written.write(0, "\x1b[31mred\n", 1)
    written.mark(0, 2, "x-0-a", how="SIGKILL")

    assert [json.loads(line) for line in written.logs("--json")] == [
        {"time": "2026-01-02T12:00:00.500000Z", "slot": 0, "worker": "x-0-a", "event": "began", "pid": 11},
        {"time": "2026-01-02T12:00:01.000000Z", "slot": 0, "worker": "x-0-a", "line": "\x1b[31mred"},
        {"time": "2026-01-02T12:00:02.000000Z", "slot": 0, "worker": "x-0-a", "event": "ended", "exit": "SIGKILL"},
    ]


def test_one_life_of_a_slot(processes: Processes) -> None:
    written = Written(processes)
    for number, worker in enumerate(["x-0-a", "x-0-b"]):
        written.mark(0, 10 * number, worker, 11)
        written.write(0, f"by {worker}\n", 10 * number + 1)
        written.mark(0, 10 * number + 2, worker, how="exit 1")

    assert written.logs("x-0-b") == ["by x-0-b"]
    assert written.logs("x-0-a", "-t", "--utc") == [
        "-- 2026-01-02 12:00:00.000Z x-0-a began, pid 11",
        "2026-01-02 12:00:01.000Z  by x-0-a",
        "-- 2026-01-02 12:00:02.000Z x-0-a ended: exit 1",
    ]


def test_a_spare_is_found_by_its_id(processes: Processes) -> None:
    """Which has the number of a slot that it never had."""
    written = Written(processes)
    written.write(0, "of slot 0\n", 1)
    written.mark(1_000_000, 0, "x-0-spare", 11)
    written.write(1_000_000, "by the spare\n", 1)

    assert written.logs("x-0-spare") == ["by the spare"]


def test_a_wrong_expression_is_a_usage_error(written: Written) -> None:
    answer = written.processes.run_autohealer("logs", "--grep", "(")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "no regular expression" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_character_that_the_console_lacks_is_replaced(written: Written) -> None:
    written.write(2, "ä€ end\n", 5)
    answer = written.processes.run_autohealer("logs", "2", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert (answer.returncode, answer.stdout) == (0, "?? end\n")


def test_a_pool_that_has_ended_still_answers(own_pool: Pool) -> None:
    """Its output and its events, with the lives of its workers, in local time or in UTC."""
    own_pool.run(1, "sh", "-c", "echo said by me; exec sleep 1000")
    own_pool.until_running(1)
    eventually(lambda: own_pool.call("logs").stdout == "   0 | said by me\n")
    assert own_pool.stop() == 0

    logs, events = own_pool.call("logs", "-t"), own_pool.call("events")
    assert (logs.returncode, events.returncode) == (0, 0)
    began, said, ended = logs.stdout.splitlines()
    assert re.search(r"-- .*\d\d:\d\d:\d\d\.\d{3} \S+ began, pid \d+$", began)
    assert said.endswith("  said by me")
    assert ended.endswith("ended: SIGTERM")
    assert "started" in events.stdout
    of_starts = own_pool.call("events", "--json", "--grep", "worker.started").stdout.splitlines()
    assert [json.loads(line)["event"] for line in of_starts] == ["worker.started"]
    assert own_pool.call("events", "--until", "1h").stdout == ""
    assert own_pool.call("events", "--since", "1h", "-n", "1", "--utc").stdout[12] == "Z"
