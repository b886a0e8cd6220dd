"""``autohealer doctor`` on real set-ups."""

from __future__ import annotations

import json

from tests.support.pools import Pool


def findings(pool: Pool) -> dict[str, str]:
    said = pool.call("doctor", "--json")
    assert not said.stderr
    return {finding["check"]: finding["level"] for finding in json.loads(said.stdout)}


def test_a_healthy_pool_has_no_fault(own_pool: Pool) -> None:
    own_pool.run(2)
    own_pool.until_running(2)
    assert "fault" not in findings(own_pool).values()
    assert own_pool.call("doctor").returncode == 0


def test_a_crash_loop_is_a_fault(own_pool: Pool) -> None:
    own_pool.run(1, "false")
    own_pool.until_event("worker.backoff")
    assert findings(own_pool)["crash loops"] == "fault"
    said = own_pool.call("doctor")
    assert said.returncode == 1
    assert "autohealer why" in said.stdout


def test_without_an_agent_the_host_is_looked_at(own_pool: Pool) -> None:
    assert findings(own_pool)["agent"] == "ok"


def test_a_server_that_is_not_there_is_a_fault_not_an_error(own_pool: Pool) -> None:
    said = own_pool.processes.run_autohealer("doctor", "--json", "--zk", "127.0.0.1:1")
    assert said.returncode == 1
    assert {"ZooKeeper": "fault"}.items() <= {f["check"]: f["level"] for f in json.loads(said.stdout)}.items()
