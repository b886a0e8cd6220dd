"""The status of a pool with several agents, put together from ZooKeeper and from the agent here."""

from __future__ import annotations

import json

from tests.support.pools import Pool
from tests.support.processes import eventually


def test_a_worker_that_says_nothing_of_itself_is_shown_once(real_pool: Pool) -> None:
    """Its id tells whose it is."""
    real_pool.run(1, options=["--registration", "self"])
    eventually(real_pool.workers)
    client = real_pool.client()
    (worker,) = real_pool.workers().values()
    client.create(f"/workers/{worker['worker']}", ephemeral=True)
    real_pool.until_running(1)
    elsewhere = real_pool.processes.directory / "elsewhere"
    real_pool.processes.autohealer("run", "1", *real_pool.where, "--state-dir", elsewhere, "--", "sleep", "1000")
    eventually(lambda: len(real_pool.status()["agents"]) == 2)
    status = json.loads(real_pool.call("status", "--json").stdout)
    assert [shown["worker"] for shown in status["workers"]] == [worker["worker"]]
