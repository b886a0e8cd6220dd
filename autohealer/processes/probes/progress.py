"""A worker's counter of finished work, read from a page that it serves anyway: ``URL#NAME``.

NAME is a sample of a Prometheus page, ``jobs_done_total`` or ``jobs_done_total{queue="mail"}`` (several that match are
added up), or a pointer into a JSON document, ``/stats/done``.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, NamedTuple

from autohealer.errors import UsageError
from autohealer.processes.probes.http import Get, HttpTarget, Response, parse_url
from autohealer.processes.probes.life import EXAMPLE, ProbeAnswer, ProbedLife

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

    from autohealer.processes.probes.resolver import Resolver

MOST_BODY = 256 * 1024
_NAME = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*,?')
_SAMPLE = re.compile(r"(?:\{(.*)\})?\s+(\S+)")
_EXAMPLE_TEXT = "write it as http://127.0.0.1:{port}/metrics#jobs_done_total, or with a pointer: …/status#/jobs/done"


class ProgressSource(NamedTuple):
    """Where a number is to be found: on this page, under this name."""

    url: str
    name: str


def parse_source(text: str) -> ProgressSource:
    """``URL#NAME``. Raises UsageError."""
    url, _, name = text.partition("#")
    parse_url(EXAMPLE.fill(url))
    if not (name.startswith("/") or _NAME.fullmatch(name)):
        raise UsageError(f"{text!r} names no number on that page", _EXAMPLE_TEXT)
    return ProgressSource(url, name)


def find(body: bytes, name: str) -> float:
    """The number of this name on a page. Raises LookupError, with what is wrong as its text."""
    return _pointed_at(body, name) if name.startswith("/") else _sample(body.decode(errors="replace"), name)


def _sample(page: str, name: str) -> float:
    wanted = _NAME.fullmatch(name)
    plain, labels = (wanted[1], _labels(wanted[2] or "")) if wanted else (name, {})
    found = []
    for line in page.splitlines():
        sample = _SAMPLE.match(line, len(plain)) if line.startswith(plain) else None
        if sample and labels.items() <= _labels(sample[1] or "").items():
            found.append(_number(sample[2], name))
    if not found:
        raise LookupError(f"there is no {name}")
    return math.fsum(found)


def _labels(text: str) -> Mapping[str, str]:
    return dict(_LABEL.findall(text))


def _pointed_at(body: bytes, pointer: str) -> float:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise LookupError("the answer is not JSON") from None
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, ValueError, TypeError):
            raise LookupError(f"there is no {pointer}") from None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return _number(value if is_number else math.nan, pointer)


def _number(value: str | float, name: str) -> float:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise LookupError(f"{name} is not a number")
    return number


class ProgressReading(NamedTuple):
    """What was read of one worker: None where that was not asked for, or could not be had."""

    progress: float | None
    busy: float | None
    detail: str = ""


class ProgressProbe:
    """Reads one or two numbers of each worker, in the rhythm of a probe; it passes when they could be read."""

    name = "progress"

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        resolver: Resolver,
        progress: ProgressSource | None,
        busy: ProgressSource | None,
        tell: Callable[[ProbedLife, ProgressReading], None],
    ) -> None:
        self.loop, self.resolver, self.tell = loop, resolver, tell
        self.progress, self.busy = progress, busy

    def begin(self, life: ProbedLife, done: Callable[[ProbeAnswer], None]) -> ProgressAttempt:
        """See `Probe`."""
        return ProgressAttempt(self, life, done)


class ProgressAttempt:
    """See `Attempt`. A page that holds both numbers is asked for once, two pages one after the other."""

    def __init__(self, probe: ProgressProbe, life: ProbedLife, done: Callable[[ProbeAnswer], None]) -> None:
        self._probe, self._life, self._done = probe, life, done
        self.began = probe.loop.time()
        self._values: dict[ProgressSource, float] = {}
        self._problem = ""
        self._pages = list(dict.fromkeys(source.url for source in self._sources))
        self._get: Get | None = None
        self._ask()

    def cancel(self) -> None:
        """See `Attempt`."""
        if self._get is not None:
            self._get.cancel()

    @property
    def _sources(self) -> list[ProgressSource]:
        return [source for source in (self._probe.progress, self._probe.busy) if source is not None]

    def _ask(self) -> None:
        if not self._pages:
            self._finish()
            return
        url = self._pages.pop(0)
        target: HttpTarget = parse_url(self._life.fill(url))
        self._get = Get(
            self._probe.loop,
            self._probe.resolver,
            target,
            lambda response, problem: self._answered(url, response, problem),
            MOST_BODY,
        )

    def _answered(self, url: str, response: Response | None, problem: str) -> None:
        if response is not None and response.status != 200:
            problem, response = f"status {response.status}", None
        if response is None:
            self._problem = self._problem or f"{url}: {problem}"
        else:
            self._look_through(url, response.body)
        self._ask()

    def _look_through(self, url: str, body: bytes) -> None:
        for source in self._sources:
            if source.url == url:
                try:
                    self._values[source] = find(body, source.name)
                except LookupError as error:
                    self._problem = self._problem or f"{url}: {error.args[0]}"

    def _finish(self) -> None:
        probe = self._probe
        reading = ProgressReading(
            None if probe.progress is None else self._values.get(probe.progress),
            None if probe.busy is None else self._values.get(probe.busy),
            self._problem,
        )
        probe.tell(self._life, reading)
        self._done(ProbeAnswer(ok=not self._problem, detail=self._problem))
