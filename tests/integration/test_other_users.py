"""Other users of the machine, and the server inside the agent: it serves those of its workers, and no others."""

from __future__ import annotations

from tests.support.pools import Pool
from tests.support.strangers import ANOTHER, STRANGER, client_of, needs_root

pytestmark = needs_root

AS_ANOTHER = ("setpriv", "--reuid", str(ANOTHER), "--regid", str(ANOTHER), "--clear-groups", "sleep", "1000")


def test_users_of_workers_are_served_and_no_others(embedded_pool: Pool) -> None:
    """Also by an agent that has adopted its workers: they are not its children."""
    pool = embedded_pool
    pool.run(2, *AS_ANOTHER)
    pids = pool.until_running(2)
    pool.until_registered(2)
    _assert_served(pool)
    assert f"embedded server: a connection of user {STRANGER} was closed" in pool.said()
    pool.kill_agent()
    pool.run(2, *AS_ANOTHER)
    assert pool.until_running(2) == pids
    _assert_served(pool)
    assert pool.stop() == 0


def test_user_of_workers_that_are_gone_is_no_longer_served(embedded_pool: Pool) -> None:
    """Who may connect is looked up when somebody does."""
    pool = embedded_pool
    pool.run(1, *AS_ANOTHER)
    pool.until_running(1)
    assert _said(pool, ANOTHER) == "served"
    pool.stop()
    pool.run(1)
    pool.until_running(1)

    assert _said(pool, ANOTHER) == "closed"


def _assert_served(pool: Pool) -> None:
    assert _said(pool, STRANGER) == "closed"
    assert _said(pool, ANOTHER) == "served"
    assert pool.call("status").returncode == 0


def _said(pool: Pool, user: int) -> str:
    port = int(pool.status()["zookeeper"].rpartition(":")[2])
    with client_of(port, user) as said:
        return said
