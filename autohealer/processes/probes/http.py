"""One HTTP GET: its URL, its request, its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urlsplit

from autohealer.errors import UsageError
from autohealer.processes.output import printable
from autohealer.processes.probes.exchange import Exchange
from autohealer.processes.probes.life import EXAMPLE, ProbeAnswer, ProbedLife

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from autohealer.processes.probes.resolver import Resolver, SocketAddress

MOST_BODY = 4096
_MOST_HEAD = 16 * 1024
_DETAIL = 120


class HttpTarget(NamedTuple):
    """A URL, taken apart."""

    host: str
    port: int
    tls: bool
    request: bytes


def parse_url(url: str) -> HttpTarget:
    """Raises UsageError for what is no URL of a web server."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = SplitResult("", "", "", "", ""), None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not url.isascii()
        or " " in url
        or not url.isprintable()
    ):
        raise UsageError(f"{url!r} is no URL to check", "write it as http://127.0.0.1:8000/healthz")
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nUser-Agent: autohealer\r\n\r\n"
    return HttpTarget(parts.hostname, port or (443 if tls else 80), tls, request.encode())


def parse_statuses(text: str) -> tuple[range, ...]:
    """``200-399,404``. Raises UsageError."""
    found = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
            raise UsageError(f"{text!r} is no list of HTTP statuses", "write it as 200-399 or 200,204")
        statuses = range(int(first), int(last) + 1)
        if not statuses or statuses[0] < 100 or statuses[-1] > 599:
            raise UsageError(f"there are no HTTP statuses {part.strip()}", "they go from 100 to 599")
        found.append(statuses)
    return tuple(found)


USUAL_STATUSES = parse_statuses("200-399")


class Response:
    """What a server answers, fed as it comes: the status, and at most ``most_body`` bytes of the body."""

    def __init__(self, most_body: int = MOST_BODY) -> None:
        self._most_body = most_body
        self._data = b""
        self._wanted: int | None = None
        self._is_chunked = False
        self.status: int | None = None
        self.is_http = True
        self._body_at: int | None = None

    def feed(self, data: bytes) -> bool:
        """True once there is enough: all of it, as much as is wanted, or what is not HTTP."""
        self._data += data
        if self._body_at is None and not self._read_head():
            return not self.is_http or len(self._data) > _MOST_HEAD
        have = len(self._data) - (self._body_at or 0)
        if have >= self._most_body or (self._wanted is not None and have >= self._wanted):
            return True
        return self._is_chunked and self._data.endswith(b"0\r\n\r\n")

    @property
    def body(self) -> bytes:
        """What has come of it."""
        if self._body_at is None:
            return b""
        body = self._data[self._body_at : self._body_at + self._most_body]
        return _join_chunks(body) if self._is_chunked else body

    def _read_head(self) -> bool:
        if self.status is None:
            line, end, _ = self._data.partition(b"\r\n")
            words = line.split(None, 2)
            if not end and len(self._data) <= 1024:
                self.is_http = line[:5] == b"HTTP/"[: len(line)]
                return False
            if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
                self.is_http = False
                return False
            self.status = int(words[1][:9])
        end_at = self._data.find(b"\r\n\r\n")
        if end_at < 0:
            return False
        self._body_at = end_at + 4
        for line in self._data[:end_at].split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            name, value = name.strip().lower(), value.strip().lower()
            if name == b"content-length" and value.isdigit():
                self._wanted = int(value[:18])
            elif name == b"transfer-encoding" and b"chunked" in value:
                self._is_chunked = True
        if self.status in (204, 304):
            self._wanted = 0
        return True


def _join_chunks(data: bytes) -> bytes:
    """The body without the lengths in between; as far as it goes."""
    whole = []
    while data:
        length, _, data = data.partition(b"\r\n")
        try:
            size = int(length.split(b";")[0][:16], 16)
        except ValueError:
            break
        whole.append(data[:size])
        data = data[size + 2 :]
    return b"".join(whole)


class Get:
    """One GET under way. ``done`` gets the response, or None and why there is none."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        resolver: Resolver,
        target: HttpTarget,
        done: Callable[[Response | None, str], None],
        most_body: int = MOST_BODY,
    ) -> None:
        self._loop, self._target, self._done = loop, target, done
        self._response = Response(most_body)
        self._exchange: Exchange | None = None
        self._is_cancelled = False
        resolver.resolve(target.host, target.port, self._resolved)

    def cancel(self) -> Response:
        """Hear no more of it; what has come so far."""
        self._is_cancelled = True
        if self._exchange is not None:
            self._exchange.cancel()
        return self._response

    def _resolved(self, addresses: list[SocketAddress], problem: str) -> None:
        if self._is_cancelled:
            return
        if not addresses:
            self._done(None, problem)
            return
        self._exchange = Exchange(
            self._loop,
            addresses,
            self._ended,
            request=self._target.request,
            take=self._response.feed,
            tls_host=self._target.host if self._target.tls else None,
        )

    def _ended(self, problem: str | None) -> None:
        if self._is_cancelled:
            return
        response = self._response
        if response.status is not None:  # what broke off later says nothing against it
            self._done(response, "")
        elif problem is not None:
            self._done(None, problem)
        else:
            self._done(None, "the answer is not HTTP")


class HttpProbe:
    """``--probe-http URL``: passes with a status that is wanted. No redirect is followed."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        resolver: Resolver,
        url: str,
        statuses: Sequence[range] = USUAL_STATUSES,
    ) -> None:
        """Raises UsageError for what is no URL once it is filled in."""
        parse_url(EXAMPLE.fill(url))
        self.name = url
        self.loop, self.resolver, self._statuses = loop, resolver, statuses
        self._target = None if "{" in url else parse_url(url)

    def begin(self, life: ProbedLife, done: Callable[[ProbeAnswer], None]) -> HttpAttempt:
        """See `Probe`."""
        return HttpAttempt(self, self._target or parse_url(life.fill(self.name)), done)

    def judge(self, response: Response) -> ProbeAnswer:
        """Whether this answer passes."""
        status = response.status or 0
        if any(status in wanted for wanted in self._statuses):
            return ProbeAnswer(ok=True)
        said = printable(response.body.decode(errors="replace")).strip().split("\n")[0][:_DETAIL].strip()
        return ProbeAnswer(ok=False, detail=f"status {status}: {said}" if said else f"status {status}")


class HttpAttempt:
    """See `Attempt`. A server that keeps the connection open has answered all the same."""

    def __init__(self, probe: HttpProbe, target: HttpTarget, done: Callable[[ProbeAnswer], None]) -> None:
        self._probe, self._done = probe, done
        self.began = probe.loop.time()
        self._get = Get(probe.loop, probe.resolver, target, self._ended)

    def cancel(self) -> ProbeAnswer | None:
        """See `Attempt`."""
        response = self._get.cancel()
        return None if response.status is None else self._probe.judge(response)

    def _ended(self, response: Response | None, problem: str) -> None:
        self._done(ProbeAnswer(ok=False, detail=problem) if response is None else self._probe.judge(response))
