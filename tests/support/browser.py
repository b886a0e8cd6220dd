"""Headless Chromium in tests, spoken to by the DevTools protocol over a pair of pipes: no port, no driver."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support.processes import eventually

Json = dict[str, Any]

# It is given plenty: the machine may be busy with other tests, and a browser is large.
ANSWER_S = 60.0
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-default-apps",
    "--disable-extensions",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def available() -> str:
    """Why there is no browser; empty where there is one."""
    return "" if shutil.which("chromium") else "no chromium: as root: apt-get install chromium"


class Browser:
    """One Chromium with a profile of its own in ``directory``."""

    def __init__(self, directory: Path) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        profile = directory / "profile"
        profile.mkdir()
        # It expects the pipes at descriptors 3 and 4.
        place = 'in=$1 out=$2; shift 2; exec "$@" 3<&"$in" 4>&"$out"'
        with (directory / "chromium.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", place, "bash", str(theirs_in), str(theirs_out), "chromium", *FLAGS,
                 f"--user-data-dir={profile}", "about:blank"],
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "HOME": str(directory)},
            )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self._out, self._in = ours_out, ours_in
        self._ids = itertools.count(1)
        self._answers: dict[int, Json] = {}
        self._answered = threading.Condition()
        self._tabs: dict[str, Tab] = {}
        self._reader = threading.Thread(target=self._read, name="browser", daemon=True)
        self._reader.start()

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, with all its processes."""
        with suppress(AssertionError, OSError):
            self.call("Browser.close")
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._out)
        self._reader.join(ANSWER_S)
        os.close(self._in)

    def open(self, url: str, *, width: int = 1280, height: int = 900, dark: bool = False, scale: float = 1.0) -> Tab:
        """A new tab that has loaded this page, in a window of this size."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self._tabs[session] = Tab(self, session, context)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.call("Emulation.setEmulatedMedia", features=[scheme])
        tab.call("Page.navigate", url=url)
        eventually(lambda: tab.heard("Page.loadEventFired"), ANSWER_S, f"{url} loaded")
        return tab

    def call(self, method: str, session: str | None = None, **parameters: object) -> Json:
        """The answer to a command of the protocol."""
        number = next(self._ids)
        message: Json = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data) :]
        with self._answered:
            assert self._answered.wait_for(lambda: number in self._answers, ANSWER_S), f"no answer to {method}"
            answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: Json = answer["result"]
        return result

    def _read(self) -> None:
        rest = b""
        while data := os.read(self._in, 1 << 20):
            *messages, rest = (rest + data).split(b"\0")
            for message in map(json.loads, messages):
                if "id" in message:
                    with self._answered:
                        self._answers[message["id"]] = message
                        self._answered.notify_all()
                elif tab := self._tabs.get(message.get("sessionId", "")):
                    tab.take(message["method"], message["params"])


class Tab:
    """One page."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser, self._session, self._context = browser, session, context
        self._events: dict[str, list[Json]] = defaultdict(list)

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Away with it, and with all that it kept."""
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)

    def call(self, method: str, **parameters: object) -> Json:
        """The answer to a command about this page."""
        return self._browser.call(method, self._session, **parameters)

    def take(self, method: str, parameters: Json) -> None:
        """Something has happened in it."""
        self._events[method].append(parameters)

    def heard(self, method: str) -> list[Json]:
        """All of this kind that has happened in it."""
        return list(self._events[method])

    def evaluate(self, script: str) -> Any:
        """The value of an expression in JavaScript, waited for if it is a promise."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        """What an element says; empty where it is not there, or not to be seen."""
        found = f"document.querySelector({json.dumps(selector)})"
        return str(self.evaluate(f"{found}?.checkVisibility() ? {found}.innerText : ''"))

    def texts(self, selector: str) -> list[str]:
        """What each of these elements says."""
        found: list[str] = self.evaluate(
            f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText)"
        )
        return found

    def click(self, selector: str) -> None:
        """Press an element."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    def until(self, probe: Callable[[], object], what: str = "") -> None:
        """Wait for something to be seen."""
        eventually(probe, ANSWER_S, what)

    def complaints(self) -> list[str]:
        """Errors and warnings that its console has, and exceptions that nobody caught."""
        logged = [
            e["entry"]["text"] for e in self.heard("Log.entryAdded") if e["entry"]["level"] in {"error", "warning"}
        ]
        said = [str(e["args"]) for e in self.heard("Runtime.consoleAPICalled") if e["type"] in {"error", "warning"}]
        thrown = [str(e["exceptionDetails"]) for e in self.heard("Runtime.exceptionThrown")]
        return logged + said + thrown

    def requested(self) -> Sequence[str]:
        """The addresses of everything that it has asked for."""
        return [event["request"]["url"] for event in self.heard("Network.requestWillBeSent")]

    def screenshot(self, *, whole: bool = False) -> bytes:
        """A picture of it, as PNG; of the whole page, or of what the window shows."""
        answer = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])
