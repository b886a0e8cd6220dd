"""One endpoint for all pools of a process, their incidents and their workers' output."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.browser import Browser
from tests.support.pools import MANY, Pool
from tests.support.processes import Processes, eventually
from tests.web.client import Client
from tests.web.conftest import Served, address_of, token_of

CONFIGURATION = """
[pools.web]
command = ["sh", "-c", "echo I am web; exec sleep 1000"]
workers = 2
[pools.db]
command = ["sleep", "1000"]
workers = 1
"""


@pytest.fixture
def both(own_pool: Pool, processes: Processes, tmp_path: Path) -> Client:
    """A process with the pools web and db."""
    (tmp_path / "autohealer.toml").write_text(CONFIGURATION)
    own_pool.agent = processes.autohealer(
        *("run", "--config", tmp_path / "autohealer.toml", "--zk", str(own_pool.zk), "--http", "127.0.0.1:0"),
        output="run-0",
    )
    client = Client(address_of(own_pool))
    eventually(lambda: client.get("/readyz").status == 200, MANY)
    return client


def test_each_is_asked_by_its_name(both: Client) -> None:
    assert both.get("/api/v1/pools").json == [
        {"pool": "web", "ready": True, "running": 2, "share": 2, "text": "ready: 2 of 2 workers of this agent run"},
        {"pool": "db", "ready": True, "running": 1, "share": 1, "text": "ready: 1 of 1 worker of this agent run"},
    ]
    assert both.get("/api/v1/status").json["pool"] == "web"
    db = both.get("/api/v1/status?pool=db").json
    assert (db["pool"], db["running"]) == ("db", 1)
    assert both.get("/api/v1/status?pool=nosuch").status == 404
    ready = both.get("/readyz").text
    assert "web: ready: 2 of 2" in ready
    assert "db: ready: 1 of 1" in ready
    assert both.get("/readyz?pool=db").text == "db: ready: 1 of 1 worker of this agent run\n"
    text = both.get("/metrics").text
    assert 'autohealer_target_workers{pool="web"} 2.0' in text
    assert 'autohealer_target_workers{pool="db"} 1.0' in text


@pytest.mark.xdist_group("browser")
def test_the_page_tells_of_other_pools(own_pool: Pool, processes: Processes, tmp_path: Path, browser: Browser) -> None:
    """One that is not ready comes first, with how many run of how many, whichever pool is looked at."""
    file = tmp_path / "autohealer.toml"
    file.write_text(
        '[pools.web]\ncommand = ["sleep", "1000"]\nworkers = 1\n[pools.bad]\ncommand = ["false"]\nworkers = 1\n'
    )
    own_pool.agent = processes.autohealer(
        *("run", "--config", file, "--zk", str(own_pool.zk), "--http", "127.0.0.1:0"), output="run-0"
    )
    client = Client(address_of(own_pool))
    with browser.open(f"http://{client.address}/", width=390, height=740) as tab:
        tab.until(lambda: tab.text("#pools .word") == "1 other pool not as wanted")
        tab.until(lambda: tab.texts("#pools a") == ["✗ bad 0 of 1", "● web"], "bad before web")
        assert tab.text("#sentence").endswith("all as wanted")
        tab.click("#pools a")
        tab.until(lambda: tab.text("#sentence").endswith("not as wanted") and tab.text("#pool") == "bad")
        assert not tab.evaluate("document.querySelector('#pools .word')")


def test_events_are_of_one_pool(both: Client) -> None:
    with both.events(path="/api/v1/events?pool=db") as stream:
        kinds = []
        for _, event in stream:
            kinds.append((event["event"], event.get("slot")))
            if event["event"] == "worker.ready":
                break
    assert [kind for kind in kinds if kind[0] == "worker.started"] == [("worker.started", 0)]


def test_output_is_shown_to_who_has_the_token(served: Served) -> None:
    pool, client = served(1, ("sh", "-c", "echo secret of mine; exec sleep 1000"))
    refused = client.get("/api/v1/output?slot=0")
    assert refused.status == 401
    assert str(pool.folder / "http-token") in refused.text
    allowed = Client(client.address, token_of(pool))
    eventually(lambda: allowed.get("/api/v1/output?slot=0").json["lines"] == ["secret of mine"], MANY)
    assert allowed.get("/api/v1/output?slot=0&lines=0").json["lines"] == []
    assert allowed.get("/api/v1/output?slot=x").status == 400


def test_incidents_are_those_of_why(served: Served) -> None:
    pool, client = served(2)
    pids = pool.pids()
    os.kill(pids[1], signal.SIGKILL)
    pool.until_replaced(pids, [1])
    # Told while it is open, too: its end is waited for, so that it stays as it is.
    found = eventually(
        lambda: [one for one in client.get("/api/v1/incidents").json if one["outcome"] == "healed"], MANY
    )
    assert [(one["kind"], one["cause"], one["slot"]) for one in found] == [("death", "signal", 1)]
    assert client.get("/api/v1/incidents?worker=1&limit=1").json == client.get("/api/v1/incidents").json
    assert client.get("/api/v1/incidents?worker=0").json == []
