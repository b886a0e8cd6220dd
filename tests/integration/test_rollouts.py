"""restart, update and undo with real workers: what is exchanged, what is undone, and what may happen in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

from tests.support.pools import Pool
from tests.support.processes import eventually

NEW = ("sleep", "1001")
BAD = ("sh", "-c", "sleep 0.5; exit 1")
SOAK = ("--soak", "0.5")


def commands(pool: Pool) -> list[str]:
    """The last argument of each worker that lives."""
    return sorted(Path(f"/proc/{pid}/cmdline").read_text().split("\0")[-2] for pid in pool.living())


def revisions(pool: Pool) -> set[int]:
    return {worker["revision"] for worker in pool.workers().values()}


def asked(pool: Pool, *arguments: str) -> subprocess.Popen[str]:
    """A command that is not waited for."""
    return pool.processes.autohealer(*arguments[:1], *pool.where, *arguments[1:], output=f"asked-{arguments[0]}")


def test_an_update_exchanges_all_and_outlives_the_agent(pool: Pool) -> None:
    """Never fewer than before; each step is told; the next agent heals with what was updated to."""
    pool.run(3)
    before = pool.until_running(3)
    counts: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            counts.append(len(pool.living()))

    watching = threading.Thread(target=watch)
    watching.start()
    answer = pool.call("update", *SOAK, "--", *NEW)
    over.set()
    watching.join()

    assert (answer.returncode, answer.stdout) == (0, "all 3 workers are new (r2)\n"), answer
    assert "slot 2 is new (3 of 3)" in answer.stderr
    assert min(counts) >= 3
    after = pool.until_running(3)
    assert not set(before.values()) & set(after.values())
    assert commands(pool) == ["1001"] * 3
    assert revisions(pool) == {2}
    (finished,) = pool.events("rollout.finished")
    assert (finished["verb"], finished["exchanged"], finished["of"]) == ("update", 3, 3)
    assert not any("heal_ms" in event for event in pool.events("worker.started"))
    pool.kill_agent()
    pool.run(3)
    assert pool.until_running(3) == after
    os.kill(after[1], signal.SIGKILL)
    pool.until_replaced(after, [1])
    assert commands(pool) == ["1001"] * 3


def test_a_bad_update_is_undone_and_said(embedded_pool: Pool) -> None:
    embedded_pool.run(3)
    before = embedded_pool.until_running(3)
    answer = embedded_pool.call("update", "--", *BAD)

    assert answer.returncode == 4, answer
    assert answer.stderr.splitlines()[-1].startswith("error: undone: a new worker beside the slots ended 3 times")
    assert embedded_pool.until_running(3) == before
    assert len(embedded_pool.events("rollout.undone")) == 1
    assert revisions(embedded_pool) == {1}
    assert embedded_pool.status()["rollout"] is None


def test_what_cannot_be_run_is_refused_with_a_line(embedded_pool: Pool) -> None:
    embedded_pool.run(1)
    before = embedded_pool.until_running(1)
    answer = embedded_pool.call("update", "--", "no-such-program")

    assert answer.returncode == 2
    assert "command not found: no-such-program" in answer.stderr
    assert embedded_pool.until_running(1) == before
    assert embedded_pool.call("undo").returncode == 1
    assert embedded_pool.call("update").returncode == 2


def test_undo_goes_back_and_can_itself_be_undone(embedded_pool: Pool) -> None:
    embedded_pool.run(2)
    embedded_pool.until_running(2)
    assert embedded_pool.call("update", *SOAK, "--", *NEW).returncode == 0
    for number, command in ((3, "1000"), (4, "1001")):
        answer = embedded_pool.call("undo", *SOAK)
        assert (answer.returncode, answer.stdout) == (0, f"all 2 workers are new (r{number})\n"), answer
        assert commands(embedded_pool) == [command] * 2


def test_one_worker_is_restarted_by_its_slot(embedded_pool: Pool) -> None:
    embedded_pool.run(3)
    before = embedded_pool.until_running(3)
    answer = embedded_pool.call("restart", "1")

    assert (answer.returncode, answer.stdout) == (0, "the worker is new (r2)\n"), answer
    after = embedded_pool.until_running(3)
    assert [slot for slot in after if after[slot] != before[slot]] == [1]
    assert embedded_pool.call("restart", "7").returncode == 2


def test_a_run_that_differs_keeps_what_runs_and_heals_with_its_own(embedded_pool: Pool) -> None:
    embedded_pool.run(2)
    before = embedded_pool.until_running(2)
    embedded_pool.kill_agent()
    embedded_pool.run(2, *NEW)
    assert embedded_pool.until_running(2) == before
    assert "`autohealer restart` replaces the rest" in embedded_pool.said()
    assert revisions(embedded_pool) == {1}
    os.kill(before[0], signal.SIGKILL)
    embedded_pool.until_replaced(before, [0])
    assert commands(embedded_pool) == ["1000", "1001"]
    assert embedded_pool.call("restart").returncode == 0
    assert commands(embedded_pool) == ["1001"] * 2


def test_a_new_process_that_is_killed_from_outside_is_tried_again(embedded_pool: Pool) -> None:
    embedded_pool.run(2)
    before = embedded_pool.until_running(2)
    update = asked(embedded_pool, "update", *SOAK, "--", *NEW)
    (surge,) = eventually(lambda: set(embedded_pool.living()) - set(before.values()), what="a surge")
    os.kill(surge, signal.SIGKILL)

    assert update.wait(60) == 0
    assert commands(embedded_pool) == ["1001"] * 2


def test_an_old_worker_that_dies_in_the_middle_and_a_scale_change_nothing(embedded_pool: Pool) -> None:
    embedded_pool.run(2)
    before = embedded_pool.until_running(2)
    update = asked(embedded_pool, "update", "--soak", "3", "--", *NEW)
    eventually(lambda: len(embedded_pool.living()) == 3, what="a surge")
    os.kill(before[1], signal.SIGKILL)
    assert embedded_pool.call("scale", "4").returncode == 0

    assert update.wait(90) == 0
    embedded_pool.until_running(4)
    assert commands(embedded_pool) == ["1001"] * 4


def test_an_agent_that_is_killed_in_the_middle_undoes_it(pool: Pool) -> None:
    """Its surge ends, good old workers stay, and people are told."""
    pool.run(3)
    before = pool.until_running(3)
    update = asked(pool, "update", "--soak", "60", "--", *NEW)
    eventually(lambda: len(pool.living()) == 4, what="a surge")
    eventually(lambda: "1001" in pool.ledger().read_text(), what="the trial in the ledger")
    pool.kill_agent()
    assert update.wait(30) == 3
    pool.run(3)

    assert pool.until_running(3) == before
    undone = pool.until_event("rollout.undone")
    assert undone["detail"] == "the agent was ended in the middle of it"
    pool.kill_agent()
    pool.run(3)
    assert pool.until_running(3) == before
    assert len(pool.events("rollout.undone")) == 1


def test_a_stop_in_the_middle_leaves_nothing(embedded_pool: Pool) -> None:
    embedded_pool.run(2)
    embedded_pool.until_running(2)
    update = asked(embedded_pool, "update", "--soak", "60", "--", *NEW)
    eventually(lambda: len(embedded_pool.living()) == 3, what="a surge")

    assert embedded_pool.stop() == 0
    assert update.wait(30) in (3, 4)
    assert embedded_pool.processes.alive() == []


def test_a_second_rollout_is_refused_and_no_wait_returns(embedded_pool: Pool) -> None:
    embedded_pool.run(1)
    embedded_pool.until_running(1)
    assert embedded_pool.call("update", "--soak", "60", "--no-wait", "--", *NEW).returncode == 0
    rollout = eventually(lambda: embedded_pool.status()["rollout"])
    assert (rollout["verb"], rollout["from"], rollout["to"], rollout["exchanged"], rollout["of"]) == (
        "update", 1, 2, 0, 1)  # fmt: skip
    answer = embedded_pool.call("restart")

    assert answer.returncode == 1
    assert "a rollout is under way" in answer.stderr


def test_a_link_that_was_switched_is_followed(embedded_pool: Pool) -> None:
    """PWD names the directory as it was given."""
    folder = embedded_pool.processes.directory
    for name in ("r1", "r2"):
        (folder / name).mkdir()
    link = folder / "current"
    link.symlink_to("r1")
    embedded_pool.run(1, options=["--cwd", str(link)])
    embedded_pool.until_running(1)
    link.unlink()
    link.symlink_to("r2")
    assert embedded_pool.call("restart").returncode == 0

    (pid,) = embedded_pool.living()
    assert Path(f"/proc/{pid}/cwd").readlink() == folder / "r2"
    assert f"PWD={link}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def test_a_pool_of_a_file_is_changed_by_its_file(embedded_pool: Pool) -> None:
    file = embedded_pool.processes.directory / "pools.toml"
    file.write_text('[pools.default]\ncommand = ["sleep", "1000"]\nworkers = 1\n')
    embedded_pool.agent = embedded_pool.processes.autohealer("run", "--config", str(file), output="run-1")
    embedded_pool.until_running(1)
    answer = embedded_pool.call("update", "--", *NEW)

    assert answer.returncode == 2, answer
    assert "autohealer reload" in answer.stderr
    assert commands(embedded_pool) == ["1000"]


def test_where_there_may_never_be_too_many_there_is_no_surge(embedded_pool: Pool) -> None:
    """One fewer runs meanwhile, and the first slot is the one that is tried."""
    embedded_pool.run(2, options=["--on-partition", "stop"])
    before = embedded_pool.until_running(2)
    counts: list[int] = []
    update = asked(embedded_pool, "update", *SOAK, "--", *NEW)
    while update.poll() is None:
        counts.append(len(embedded_pool.living()))

    assert update.returncode == 0
    assert max(counts) <= 2
    after = embedded_pool.until_running(2)
    assert not set(before.values()) & set(after.values())
    assert embedded_pool.call("update", "--", *BAD).returncode == 4
    assert embedded_pool.until_running(2)[1] == after[1]
    assert commands(embedded_pool) == ["1001"] * 2
