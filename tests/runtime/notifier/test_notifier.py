"""The process that sends notices: started by an agent, fed by a pipe, in nobody's way."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from autohealer.processes.reaper import Reaper
from autohealer.runtime.notifier.messages import NoticeTarget, RuleSpec
from autohealer.runtime.notifier.owner import MOST_WAITING, Notifier
from autohealer.views.reading import record_of
from tests.support.processes import Processes, eventually

BELOW = {"event": "pool.below", "time": "2026-01-01T00:00:00Z", "running": 1, "share": 3}
ABOVE = {"event": "pool.recovered", "time": "2026-01-01T00:00:01Z", "running": 3, "share": 3}
ON = ("below-target", "recovered")


class Hook:
    """A server that keeps what it is sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.answers: list[int] = []
        self.release = threading.Event()
        self.release.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.release.wait(30)
                code = hook.answers.pop(0) if hook.answers else 200
                if code < 300:
                    hook.got.append(json.loads(body))
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing is said."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/s3cret"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A webhook."""
    server = Hook()
    yield server
    server.close()


def rule(target: NoticeTarget, on: tuple[str, ...] = ON) -> RuleSpec:
    return RuleSpec(on=on, for_s=0.0, every_s=60.0, target=target)


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Let the loop go on until this holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def feeding(rules: list[RuleSpec], act: Callable[[Notifier, list[str]], Any]) -> None:
    warnings: list[str] = []
    reaper = Reaper()
    notifier = Notifier(asyncio.get_running_loop(), reaper, rules, warnings.append)
    try:
        await act(notifier, warnings)
    finally:
        notifier.close()
        await until(lambda: notifier.pid == -1)
        assert not reaper.pids


def test_a_notice_of_each_alarm_and_of_its_end(hook: Hook, tmp_path: Path) -> None:
    """To a webhook, in Slack's form, and to a command."""
    (tmp_path / "url").write_text(f"{hook.url}\n")
    out = tmp_path / "out"
    command = (sys.executable, "-c", f"import sys; open({str(out)!r}, 'a').write(sys.stdin.read())")
    rules = [rule(NoticeTarget(webhook=hook.url)), rule(NoticeTarget(url_file=str(tmp_path / "url"), slack=True)),
             rule(NoticeTarget(exec=command))]  # fmt: skip

    async def act(notifier: Notifier, _: list[str]) -> None:
        notifier.take("web", record_of({"event": "target.changed", "target": 3}))  # nobody is told of that
        notifier.take("web", record_of(BELOW))
        await until(lambda: len(hook.got) == 2)
        notifier.take("web", record_of(ABOVE))
        await until(lambda: len(hook.got) == 4 and out.exists() and out.read_text().count("\n") == 2)

    asyncio.run(feeding(rules, act))
    plain = [body for body in hook.got if "notice" in body]
    texts = [body["text"] for body in hook.got if "notice" not in body]

    assert [(body["notice"], body["of"], body["pool"]) for body in plain] == [
        ("below-target", "below-target", "web"),
        ("recovered", "below-target", "web"),
    ]
    assert plain[0]["id"] == plain[1]["id"]
    assert plain[0]["event"]["share"] == 3
    assert texts[0].endswith(": below-target: 1 of 3 workers are ready")
    assert [json.loads(line)["notice"] for line in out.read_text().splitlines()] == ["below-target", "recovered"]


def test_what_fails_is_tried_again_and_then_said(hook: Hook) -> None:
    """Without the URL, which may be a secret; an answer that leads elsewhere is a failure."""
    hook.answers = [500, 302]

    async def act(notifier: Notifier, warnings: list[str]) -> None:
        notifier.take("web", record_of(BELOW))
        await until(lambda: warnings)
        assert warnings == ["cannot send the notice below-target to the command /no/such: No such file or directory"]
        await until(lambda: len(hook.got) == 1)

    asyncio.run(feeding([rule(NoticeTarget(webhook=hook.url)), rule(NoticeTarget(exec=("/no/such",)))], act))


def test_a_server_that_does_not_answer_is_in_nobodys_way(hook: Hook) -> None:
    """What does not fit is forgotten; the agent's thread never waits."""
    hook.release.clear()

    async def act(notifier: Notifier, warnings: list[str]) -> None:
        assert warnings == []
        started = time.monotonic()
        for _ in range(3 * MOST_WAITING):
            notifier.take("web", record_of({**BELOW, "detail": "x" * 500}))
        assert time.monotonic() - started < 5
        hook.release.set()
        await until(lambda: hook.got)

    asyncio.run(feeding([rule(NoticeTarget(webhook=hook.url))], act))


def test_another_one_takes_the_place_of_one_that_was_killed(hook: Hook) -> None:
    async def act(notifier: Notifier, warnings: list[str]) -> None:
        former = notifier.pid
        os.kill(former, signal.SIGKILL)
        await until(lambda: notifier.pid not in (-1, former))
        notifier.take("web", record_of(BELOW))
        await until(lambda: hook.got)
        assert warnings == ["the process that sends notices has ended; another one is started in 1 s"]

    asyncio.run(feeding([rule(NoticeTarget(webhook=hook.url))], act))


def test_a_pool_of_a_file_tells_of_its_crash_loop(processes: Processes, hook: Hook, tmp_path: Path) -> None:
    """From the agent's start to the notice; and nothing of it is left when the agent is killed."""
    (tmp_path / "url").write_text(hook.url)
    file = tmp_path / "a.toml"
    file.write_text("""
[[notify]]
on = ["crash-loop"]
url-file = "url"
[pools.bad]
command = "false"
workers = 1
backoff-max = 1
""")
    agent = processes.autohealer("run", "--config", str(file), "--json")
    (body,) = eventually(lambda: hook.got)
    agent.kill()
    agent.wait()

    assert (body["notice"], body["pool"]) == ("crash-loop", "bad")
    assert "a worker fails again and again (slot 0)" in body["text"]
    eventually(lambda: not processes.alive())


def test_other_rules_are_followed_after_a_reload(processes: Processes, hook: Hook, tmp_path: Path) -> None:
    """Without a pool being touched; and then the file differs no more."""
    pool = '[pools.bad]\ncommand = "false"\nworkers = 1\nbackoff-max = 1\n'
    file = tmp_path / "a.toml"
    file.write_text(pool)
    agent = processes.autohealer("run", "--config", str(file), "--json")
    eventually(lambda: "worker.backoff" in processes.read())
    file.write_text(f'{pool}[[notify]]\non = ["crash-loop"]\nwebhook = "{hook.url}"\n')

    reloaded = processes.run_autohealer("reload")

    assert reloaded.stdout.splitlines()[:2] == [
        "agent: notify: 0 -> 1 (takes effect at once; no worker is touched)",
        "bad: not changed",
    ]
    eventually(lambda: hook.got)
    status = json.loads(processes.run_autohealer("status", "--json").stdout)
    assert status["config"]["state"] == "same"
    agent.terminate()
    assert agent.wait(60) == 0
