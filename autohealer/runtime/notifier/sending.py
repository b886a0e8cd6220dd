"""How a notice is sent: to a webhook, in Slack's form where that is asked for, or to a command on its stdin."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException

import msgspec
from msgspec.structs import replace

from autohealer.runtime.notifier.messages import NoticeTarget

ANSWER_S = 10.0
COMMAND_S = 30.0
TRIES_AFTER_S = (0.0, 2.0, 10.0)
MOST_WAITING = 100
SLACK_HOST = "hooks.slack.com"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Where a notice goes is what the file says, and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        """None: an answer that redirects is an error."""


class NoticeBody(msgspec.Struct, frozen=True):
    """A notice as a webhook or a command gets it. ``lost`` is there where so many before it had to be dropped."""

    id: str
    notice: str
    of: str
    pool: str
    host: str
    since: str
    again: bool
    text: str
    event: Mapping[str, object]
    """All fields of the event that it follows from."""

    lost: int | msgspec.UnsetType = msgspec.UNSET


def send(target: NoticeTarget, body: NoticeBody) -> None:
    """Send it, once. Raises OSError where that fails; the message holds no URL."""
    if target.exec:
        _run(target.exec, _json(body))
    else:
        _post(_url(target), body, slack=target.slack)


def _url(target: NoticeTarget) -> str:
    if target.url_file is None:
        return str(target.webhook)
    with open(target.url_file, encoding="utf-8") as file:
        return file.read().strip()


def _post(url: str, body: NoticeBody, *, slack: bool) -> None:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OSError("the URL is not one of http or https")
    content = json.dumps({"text": _slack_text(body)}) if slack or parts.hostname == SLACK_HOST else _json(body)
    headers = {"Content-Type": "application/json", "User-Agent": "autohealer"}
    try:
        request = urllib.request.Request(url, content.encode(), headers)  # noqa: S310 - checked above
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=ANSWER_S):
            pass
    except urllib.error.HTTPError as error:
        raise OSError(f"it answers {error.code}") from None
    except (urllib.error.URLError, HTTPException, ValueError) as error:
        raise OSError(f"{getattr(error, 'reason', None) or type(error).__name__}") from None


def _slack_text(body: NoticeBody) -> str:
    text = f"{body.pool} on {body.host}: {body.notice}: {body.text}"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _json(body: NoticeBody) -> str:
    return json.dumps(msgspec.to_builtins(body))


def _run(command: tuple[str, ...], text: str) -> None:
    """Give it to the command, which is killed with what it started when it takes too long."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    try:
        process.communicate(text + "\n", timeout=COMMAND_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise TimeoutError(f"it takes longer than {COMMAND_S:g} s") from None
    if process.returncode:
        raise OSError(f"it ended with {process.returncode}")


class Sender:
    """Sends the notices of one rule in their order, from a thread of its own; what does not fit is counted."""

    def __init__(self, target: NoticeTarget, warn: Callable[[str], None]) -> None:
        self._target, self._warn = target, warn
        self._waiting: queue.Queue[NoticeBody | None] = queue.Queue(MOST_WAITING)
        self._lost = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, body: NoticeBody) -> None:
        """Send this when its turn comes; never waits."""
        try:
            self._waiting.put_nowait(replace(body, lost=self._lost) if self._lost else body)
            self._lost = 0
        except queue.Full:
            self._lost += 1

    def close(self, patience_s: float) -> None:
        """Send what waits, for so long at most, and not again what fails."""
        self._ended.set()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(patience_s)

    def _run(self) -> None:
        while (body := self._waiting.get()) is not None:
            problem = self._try(body)
            if problem is not None:
                self._warn(f"cannot send the notice {body.notice} to {self._target.name}: {problem}")

    def _try(self, body: NoticeBody) -> str | None:
        problem = None
        for pause in TRIES_AFTER_S:
            if pause and self._ended.wait(pause):
                break
            try:
                send(self._target, body)
            except OSError as error:
                problem = error.strerror or str(error)
            else:
                return None
        return problem
