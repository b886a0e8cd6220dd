"""``autohealer drill`` on real pools."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.pools import Json, Pool

ALLOWED = ("--allow-drill",)


def drill(pool: Pool, kind: str, *options: str) -> tuple[int, Json]:
    said = pool.call("drill", kind, "--yes", "--json", *options)
    assert said.stdout, said.stderr
    return said.returncode, json.loads(said.stdout)


@pytest.mark.parametrize(("kind", "touched"), [("kill", 1), ("stop", 1), ("half", 2)])
def test_workers_that_are_killed_are_replaced_and_no_others(own_pool: Pool, kind: str, touched: int) -> None:
    own_pool.run(4, options=ALLOWED)
    own_pool.until_registered(4)
    code, report = drill(own_pool, kind)
    assert (code, report["held"], report["problems"]) == (0, True, [])
    assert len(report["touched"]) == touched
    assert all(one["healed_ms"] is not None for one in report["touched"])


def test_a_cut_from_zookeeper_touches_nobody(own_pool: Pool) -> None:
    own_pool.run(2, options=ALLOWED)
    own_pool.until_registered(2)
    code, report = drill(own_pool, "zk-away")
    assert (code, report["held"], report["touched"]) == (0, True, [])
    assert any(event["event"] == "zookeeper.suspended" for event in report["events"])


def test_an_agent_that_is_killed_is_started_again_and_adopts(own_pool: Pool, tmp_path: Path) -> None:
    own_pool.run(2, options=ALLOWED)
    own_pool.until_registered(2)
    former = own_pool.pids()
    page = tmp_path / "drill.html"
    code, report = drill(own_pool, "agent", "--html", str(page))
    assert (code, report["held"]) == (0, True)
    assert own_pool.pids() == former
    assert "It held." in page.read_text()
    assert own_pool.call("stop").returncode == 0


def test_a_hang_that_no_sense_looks_for_does_not_hold_and_is_undone(own_pool: Pool) -> None:
    own_pool.run(1, options=(*ALLOWED, "--registration", "agent"))
    pid = own_pool.until_running(1)[0]
    code, report = drill(own_pool, "hang", "--within", "1")
    assert (code, report["held"]) == (1, False)
    assert "nobody noticed" in report["problems"][0]
    assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T"


def test_it_is_refused_where_it_is_not_allowed_and_asked_for_first(own_pool: Pool) -> None:
    own_pool.run(1)
    own_pool.until_registered(1)
    refused = own_pool.call("drill", "kill", "--yes")
    assert refused.returncode == 2
    assert "--allow-drill" in refused.stderr
    assert Path(f"/proc/{own_pool.pids()[0]}").exists()


def test_a_leak_is_found_and_replaced_without_a_gap(own_pool: Pool) -> None:
    own_pool.run(2, options=(*ALLOWED, "--max-rss", "1G"))
    own_pool.until_registered(2)
    code, report = drill(own_pool, "leak")
    assert (code, report["held"], report["problems"]) == (0, True, [])
    assert report["touched"][0]["cause"] == "memory"


def test_a_bad_release_undoes_itself(own_pool: Pool) -> None:
    own_pool.run(2, options=ALLOWED)
    own_pool.until_registered(2)
    former = own_pool.pids()
    code, report = drill(own_pool, "release")
    assert (code, report["held"]) == (0, True)
    assert own_pool.pids() == former


def test_a_pool_without_a_limit_cannot_leak(own_pool: Pool) -> None:
    own_pool.run(1, options=ALLOWED)
    own_pool.until_registered(1)
    said = own_pool.call("drill", "leak", "--yes")
    assert said.returncode == 2
    assert "--max-rss" in said.stderr
