"""`run --http`: a real agent, asked over HTTP."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from autohealer import __version__
from tests.support.pools import MANY, Pool
from tests.support.processes import Processes, eventually
from tests.support.proxy import Proxy
from tests.web.client import Client
from tests.web.conftest import Served, address_of, token_of

JSON = {"Content-Type": "application/json"}
SECRET = "a-token-that-was-given-1234567890"


def metrics(client: Client) -> dict[str, float]:
    """All numbers of the only pool, by name and other labels as they are written."""
    found = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            labels = ",".join(f"{k}={v}" for k, v in sample.labels.items() if k != "pool")
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_health_and_readiness(served: Served) -> None:
    """In a line for people; with headers that let no browser be fooled."""
    pool, client = served(2)
    assert client.get("/healthz").text == "ok\n"
    ready = client.get("/readyz")
    assert (ready.status, ready.text) == (200, "ready: 2 of 2 workers of this agent run\n")
    assert ready.headers["X-Content-Type-Options"] == "nosniff"
    assert ready.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
    assert ready.headers["Server"] == "autohealer"
    assert "Access-Control-Allow-Origin" not in ready.headers
    assert pool.call("drain").returncode == 0
    drained = client.get("/readyz")
    assert (drained.status, drained.text) == (503, "this agent is being emptied\n")
    assert pool.stop() == 0
    assert pool.said().count("warning") == 0


def test_metrics_of_a_death(served: Served) -> None:
    """Prometheus' own parser reads what has happened."""
    pool, client = served(3)
    os.kill(pool.pids()[1], signal.SIGKILL)
    eventually(lambda: metrics(client)["autohealer_heal_seconds_count"] == 1, MANY)
    found = metrics(client)
    assert found["autohealer_workers{state=running}"] == 3
    assert found["autohealer_workers{state=backoff}"] == 0
    assert found["autohealer_target_workers"] == 3
    assert found["autohealer_worker_exits_total{cause=SIGKILL}"] == 1
    assert found["autohealer_worker_starts_total"] == 4
    assert found["autohealer_detect_seconds_count"] == 1
    assert 0 < found["autohealer_heal_seconds_sum"] < MANY
    assert found["autohealer_leader"] == found["autohealer_zookeeper_connected"] == 1
    assert found[f"autohealer_build_info{{version={__version__}}}"] == 1
    heals = [event["heal_ms"] for event in pool.events("worker.started") if "heal_ms" in event]
    assert found["autohealer_heal_seconds_sum"] == pytest.approx(heals[0] / 1000)


def lasting(status: dict[str, Any]) -> dict[str, Any]:
    """Without processor time and memory."""
    workers = [{k: v for k, v in worker.items() if k not in {"cpu", "rss"}} for worker in status["workers"]]
    return {**status, "workers": workers}


def test_status_is_that_of_the_command(served: Served) -> None:
    """All but what is measured anew at each look; who asks again and knows it already is told so."""
    pool, client = served(3)
    pool.until_registered(3)

    def same() -> bool:
        return lasting(client.get("/api/v1/status").json) == lasting(json.loads(pool.call("status", "--json").stdout))

    def is_known_already() -> bool:
        tag = client.get("/api/v1/status").headers["ETag"]
        return client.get("/api/v1/status", If_None_Match=tag).status == 304

    eventually(same, MANY, "the same status")
    answer = client.get("/api/v1/status")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json["agents"][0]["http"] == client.address
    eventually(is_known_already, MANY, "a status that is known already")
    assert pool.call("scale", "4").returncode == 0
    eventually(lambda: client.get("/api/v1/status", If_None_Match=answer.headers["ETag"]).status == 200)


def test_events_as_they_come(served: Served) -> None:
    """First those that there were, then each as it happens; who comes back with an id gets what it missed."""
    pool, client = served(2)
    with client.events() as events:
        seen = []
        for name, event in events:
            seen.append((name, event))
            if event["event"] == "worker.started" and event["slot"] == 1:
                break
        os.kill(pool.pids()[0], signal.SIGKILL)
        for name, event in events:
            seen.append((name, event))
            if event["event"] == "worker.started":
                break
    written = eventually(lambda: found if len(found := pool.events()) >= len(seen) else [], MANY)
    assert [event for _, event in seen] == written[: len(seen)]
    assert len({name for name, _ in seen}) == len(seen)
    with client.events(last_id=seen[-2][0]) as events:
        assert next(events) == seen[-1]
    with client.events(last_id="another-3") as events:
        assert next(events) == seen[0]
    with client.events(path=f"/api/v1/events?after={seen[0][0]}") as events:
        assert next(events) == seen[1]
    assert client.ask("HEAD", "/api/v1/events").status == 405


def test_what_changes_the_pool(served: Served) -> None:
    """With the token, in a file for its owner alone: another target, one killed, all new, emptied, the end."""
    pool, anybody = served(2)
    client = Client(anybody.address, token_of(pool))
    assert stat.S_IMODE((pool.folder / "http-token").stat().st_mode) == 0o600

    answer = client.post("scale", {"workers": 3})
    assert (answer.status, answer.json["outcome"], answer.json["detail"]) == (202, "done", "the target is 3")
    before = pool.until_running(3)

    assert client.post("kill", {"worker": pool.workers()[1]["worker"]}).status == 202
    killed = pool.until_replaced(before, [1])

    assert client.post("restart", {}).status == 202
    pool.until_replaced(killed, [0, 1, 2])

    assert client.post("drain", {}).status == 202
    pool.until_running(0)
    assert client.post("undrain", {}).status == 202
    pool.until_running(3)

    assert client.post("stop", {}).status == 202
    assert pool.ended() == 0


def test_nothing_changes_without_the_token(served: Served) -> None:
    """Nor with a wrong one, nor from another site, nor by a name that somebody made up."""
    pool, anybody = served(1)
    wrong, knowing = Client(anybody.address, "wrong" * 9), Client(anybody.address, token_of(pool))
    body = {"workers": 5, "worker": pool.workers()[0]["worker"]}
    for verb in ("scale", "kill", "restart", "drain", "undrain", "stop"):
        assert anybody.post(verb, body).status == 401
        assert wrong.post(verb, body).status == 401
        assert knowing.post(verb, body, Origin="http://evil.example").status == 403
        assert knowing.post(verb, body, Host="evil.example").status == 403
        assert knowing.ask("GET", f"/api/v1/{verb}").status == 405
        assert knowing.post(verb, body, Content_Type="text/plain").status == 415
    pool.until_running(1)
    assert pool.status()["target"] == 1


def test_what_is_asked_badly(served: Served) -> None:
    """Each gets a line of text that says what is wrong."""
    pool, anybody = served(1)
    client = Client(anybody.address, token_of(pool))
    assert client.post("scale", {"workers": -1}).status == 400
    assert client.ask("POST", "/api/v1/scale", headers=JSON).status == 400
    assert client.post("kill", {"worker": "nobody-1-1"}).status == 404
    assert client.post("fly", {}).status == 404
    assert client.post("scale", {"workers": 1, "more": "x" * 5000}).status == 413
    assert client.get("/../etc/passwd").status == 404
    assert client.get("/nothing").text == "Not Found\n"
    assert client.ask("DELETE", "/metrics").status == 405
    assert anybody.ask("OPTIONS", "/api/v1/scale", headers={"Origin": "http://evil.example"}).status == 403
    assert client.raw(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").startswith(b"HTTP/1.0 400")
    assert client.raw(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: " + b"x" * 100_000 + b"\r\n\r\n").startswith(b"HTTP/1.")
    pool.until_running(1)
    assert "Traceback" not in pool.said()


def test_a_given_token_is_nowhere_to_be_seen(served: Served) -> None:
    """Not in a file, an event, an argument, a line of output or a worker's environment."""
    pool, anybody = served(1, env={"AUTOHEALER_HTTP_TOKEN": SECRET})
    client = Client(anybody.address, SECRET)
    assert client.post("scale", {"workers": 2}).status == 202
    pids = pool.until_running(2)
    for pid in pids.values():
        assert SECRET.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
    assert SECRET.encode() not in Path(f"/proc/{pool.agent.pid}/cmdline").read_bytes()
    assert pool.stop() == 0
    assert "AUTOHEALER_HTTP_TOKEN" in pool.said()
    written = [path for path in pool.processes.directory.rglob("*") if path.is_file()]
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
    assert not (pool.folder / "http-token").exists()


def test_beyond_loopback(served: Served) -> None:
    """It warns; everything needs the token but whether it lives and is ready; others find it by this host's name."""
    pool, anybody = served(1, where="0.0.0.0:0", env={"AUTOHEALER_HTTP_TOKEN": SECRET})
    client = Client(anybody.address, SECRET)
    assert "warning: the HTTP endpoint can be reached from other hosts" in pool.said()
    for path in ("/", "/main.js", "/metrics", "/api/v1/status", "/api/v1/events"):
        assert anybody.get(path).status == 401
    for path in ("/", "/main.js", "/metrics", "/api/v1/status"):
        assert client.get(path).status == 200
    assert anybody.get("/healthz").status == anybody.get("/readyz").status == 200
    assert anybody.get("/").headers["WWW-Authenticate"].startswith("Basic")
    port = anybody.address.rpartition(":")[2]
    assert pool.status()["agents"][0]["http"] == f"{socket.gethostname()}:{port}"
    assert client.get("/metrics", Host="evil.example").status == 403


def test_behind_a_proxy(served: Served) -> None:
    """By the name that it was given, with the token."""
    pool, anybody = served(1, options=["--http-host", "pool.example.com"])
    client = Client(anybody.address, token_of(pool), {"Host": "pool.example.com", "Origin": "https://pool.example.com"})
    assert client.get("/metrics").status == 200
    assert client.post("scale", {"workers": 2}).status == 202
    assert anybody.get("/metrics").status == 401
    pool.until_running(2)


def test_not_ready_while_workers_are_missing(own_pool: Pool) -> None:
    """One that crashes again and again: how many run is told."""
    own_pool.run(1, "false", options=["--http", "127.0.0.1:0"])
    client = Client(address_of(own_pool))
    own_pool.until_event("worker.backoff")
    eventually(lambda: client.get("/readyz").text == "0 of 1 worker of this agent run\n", MANY)
    assert client.get("/readyz").status == 503
    assert own_pool.stop() == 0


def test_all_agents_of_a_pool(served: Served, processes: Processes) -> None:
    """The status is that of the whole pool, from whichever agent, as the command has it."""
    pool, client = served(2)
    other = Pool(processes, pool.zk, pool.connect)
    other.run(2, options=["--state-dir", str(processes.directory / "other")])
    eventually(lambda: len(client.get("/api/v1/status").json["agents"]) == 2, MANY)
    eventually(lambda: client.get("/api/v1/status").json["registered"] == 2, MANY)
    eventually(lambda: client.get("/api/v1/status").json["running"] == 2, MANY)
    status = client.get("/api/v1/status").json
    assert [agent["http"] for agent in status["agents"]].count(client.address) == 1
    assert metrics(client)["autohealer_agents"] == 2
    assert other.stop() == 0


def test_without_zookeeper(served: Served, own_pool: Pool) -> None:
    """The agent goes on to tell what it knows, and stays ready: its workers run. What would change it says why not."""
    hosts, _, chroot = str(own_pool.zk).partition("/")
    with Proxy(hosts) as proxy:
        own_pool.zk = f"{proxy.hosts}/{chroot}"
        pool, anybody = served(2)
        client = Client(anybody.address, token_of(pool))
        proxy.cut()
        eventually(lambda: metrics(client)["autohealer_zookeeper_connected"] == 0, MANY)
        ready = client.get("/readyz")
        assert ready.status == 200
        assert "ZooKeeper has been away for" in ready.text
        assert client.get("/api/v1/status").json["connected"] is False
        scaled = client.post("scale", {"workers": 5})
        assert (scaled.status, scaled.json["outcome"]) == (202, "done")
        assert "written when ZooKeeper is back" in scaled.json["detail"]
        pool.until_running(5)
        proxy.heal()
        eventually(lambda: metrics(client)["autohealer_zookeeper_connected"] == 1, MANY)
        assert client.post("scale", {"workers": 3}).status == 202
        pool.until_running(3)
        assert pool.stop() == 0


def test_it_ends_with_the_agent(served: Served) -> None:
    """Also while somebody listens; at once, and without a word."""
    pool, client = served(1)
    with client.events() as events:
        next(events)
        began = time.monotonic()
        assert pool.stop() == 0
        for _, event in events:
            assert event
    assert time.monotonic() - began < MANY
    assert "Traceback" not in pool.said()
    assert "error" not in pool.said()


# ---- before any worker is started


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("127.0.0.1:{taken}", "error: cannot listen at 127.0.0.1:{taken}: Address already in use; choose another port"),
        ("192.0.2.1:0", "error: cannot listen at 192.0.2.1:0: Cannot assign requested address; write HOST:PORT"),
        ("8080", "error: --http '8080' is no address; write HOST:PORT, as in: --http 127.0.0.1:8080"),
        ("127.0.0.1:http", "error: --http '127.0.0.1:http' has no port from 0 to 65535; write HOST:PORT"),
        ("no.such.host.invalid:1", "error: cannot listen at no.such.host.invalid:1: there is no host"),
    ],
)
def test_where_it_cannot_listen(processes: Processes, where: str, message: str) -> None:
    """One line, exit code 2, and nothing has been started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        answer = processes.run_autohealer("run", "1", "--http", where.replace("{taken}", port), "--", "sleep", "1000")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(message.replace("{taken}", port))
    assert answer.stderr.count("\n") == 1
    assert processes.alive() == []


def test_a_token_that_could_be_guessed(processes: Processes) -> None:
    """Is not taken, nor repeated."""
    env = {"AUTOHEALER_HTTP_TOKEN": "secret", "AUTOHEALER_HTTP": "127.0.0.1:0"}
    answer = processes.run_autohealer("run", "1", "--", "sleep", "1000", env=env)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: AUTOHEALER_HTTP_TOKEN is not from 16 to 512 printable ASCII characters")
    assert processes.alive() == []


@pytest.mark.parametrize("module", ["aiohttp", "prometheus_client"])
def test_without_the_extra(processes: Processes, module: str) -> None:
    """It is said how to install it."""
    without = f"import sys; sys.modules[{module!r}] = None; from autohealer.cli import main; main(sys.argv[1:])"
    answer = processes.run(sys.executable, "-c", without, "run", "1", "--http", "127.0.0.1:0", "--", "sleep", "1000")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "error: --http needs an extra that is not installed; pip install 'autohealer[http]'\n"
    assert processes.alive() == []


def test_a_second_agent(served: Served) -> None:
    """That the pool is run already says more than that its port is taken."""
    pool, client = served(1)
    answer = pool.call("run", "1", "--http", client.address, "--", "sleep", "1000")
    assert answer.returncode == 5
    assert answer.stderr.startswith("error: pool default is already run from")


def test_a_broken_endpoint_breaks_nothing_else(own_pool: Pool) -> None:
    """One line says so; workers are healed all the same, and the agent ends as asked."""
    broken = own_pool.processes.directory / "broken" / "aiohttp"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise RuntimeError('half installed')\n")
    own_pool.run(2, options=["--http", "127.0.0.1:0"], env={"PYTHONPATH": str(broken.parent)})
    before = own_pool.until_running(2)
    eventually(lambda: "the HTTP endpoint broke" in own_pool.said(), MANY)
    os.kill(before[0], signal.SIGKILL)
    own_pool.until_replaced(before, [0])
    assert own_pool.stop() == 0
    warning = "warning: the HTTP endpoint broke: RuntimeError('half installed'); everything else goes on"
    assert [line for line in own_pool.said().splitlines() if "HTTP" in line] == [warning]
