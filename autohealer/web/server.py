"""The endpoint in aiohttp: paths and answers. Nothing here knows of threads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import to_builtins

from autohealer.core.operations import MEANINGLESS, UNREACHABLE, Outcome
from autohealer.errors import AutohealerError, UnreachableError, UsageError
from autohealer.web import actions
from autohealer.web.agent import answer_of, pulse_of, snapshot_of
from autohealer.web.connections import Connections
from autohealer.web.guard import Refusal
from autohealer.web.metrics import Metrics
from autohealer.web.readiness import PoolEntry, readiness

if TYPE_CHECKING:
    import socket

    from autohealer.web.guard import Guard
    from autohealer.web.site import Site

REFUSALS = {MEANINGLESS: 404, UNREACHABLE: 503}
MOST_BODY = 4096
MOST_INCIDENTS = 1000
MOST_LINES = 1000
MOST_SLOTS = 100_000
BODY_S = 10.0
HEARTBEAT_S = 15.0
RETRY_MS = 1000
SHUTDOWN_S = 0.5
PAGE = {
    "index.html": "text/html",
    "style.css": "text/css",
    "icon.svg": "image/svg+xml",
    "main.js": "text/javascript",
    "format.js": "text/javascript",
    "history.js": "text/javascript",
    "timeline.js": "text/javascript",
    "workers.js": "text/javascript",
    "panels.js": "text/javascript",
    "api.js": "text/javascript",
    "usage.js": "text/javascript",
    "detail.js": "text/javascript",
    "findings.js": "text/javascript",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Server": "autohealer",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpServer:
    """Answers at a bound socket from ``start`` to ``close``, in the loop that calls them."""

    def __init__(self, *, sites: Mapping[str, Site], guard: Guard, metrics: Metrics, logger: logging.Logger) -> None:
        self._sites, self._guard, self._metrics = sites, guard, metrics
        self._connections = Connections()
        app = web.Application(middlewares=[self._watch_over], client_max_size=MOST_BODY, logger=logger)
        app.on_response_prepare.append(_add_headers)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics_text)
        app.router.add_get("/api/v1/status", self._status)
        app.router.add_get("/api/v1/events", self._events, allow_head=False)
        app.router.add_get("/api/v1/incidents", self._incidents)
        app.router.add_get("/api/v1/output", self._output)
        app.router.add_get("/api/v1/pools", self._pools)
        for verb in actions.VERBS:
            app.router.add_post(f"/api/v1/{verb}", self._acting(verb))
        for name, kind in PAGE.items():
            app.router.add_get("/" if name == "index.html" else f"/{name}", _giving(name, kind))
        self._runner = web.AppRunner(app, access_log=None, logger=logger, shutdown_timeout=SHUTDOWN_S)
        self._listening: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Answer from now on."""
        await self._runner.setup()
        self._listening = await asyncio.get_running_loop().create_server(self._connected, sock=listener)

    async def close(self) -> None:
        """Answer no more."""
        if self._listening is not None:
            self._listening.close()
        for site in self._sites.values():
            site.feed.close()
        await self._runner.cleanup()

    def _connected(self) -> asyncio.BaseProtocol:
        """A protocol for a new connection."""
        server = self._runner.server
        if server is None or not self._connections.make_room(server.connections):
            return _Refused()
        return server()

    @web.middleware
    async def _watch_over(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Who may not is told so; errors are a line of text."""
        refusal = self._guard.refusal(request.method, request.path, request.headers)
        if refusal is not None:
            return _refused(refusal)
        try:
            with self._connections.answering(request.protocol):
                return await handler(request)
        except web.HTTPException as error:
            return _text(f"{error.reason}", error.status, {"Allow": a} if (a := error.headers.get("Allow")) else {})
        except UnreachableError as error:
            return _text(_words(error), 503, {"Retry-After": "1"})
        except UsageError as error:
            return _text(_words(error), 400)

    # ---- what is

    def _site(self, request: web.Request) -> Site:
        """The pool that is meant: the one that ``?pool=`` names, or the first. Raises 404 where there is no such."""
        name = request.query.get("pool")
        site = next(iter(self._sites.values())) if name is None else self._sites.get(name)
        if site is None:
            raise web.HTTPNotFound(reason="there is no such pool here")
        return site

    async def _healthz(self, _: web.Request) -> web.StreamResponse:
        for site in self._sites.values():
            if site.is_open:
                await pulse_of(site.handle)
        return _text("ok")

    async def _readyz(self, request: web.Request) -> web.StreamResponse:
        """Of one pool where it is named, else of all: what is not ready comes first."""
        sites = [self._site(request)] if "pool" in request.query else list(self._sites.values())
        found = [(site.name, readiness((await snapshot_of(site.handle))[0])) for site in sites]
        found.sort(key=lambda one: one[1].is_ready)
        several = len(self._sites) > 1
        text = "\n".join(f"{name}: {one.text}" if several else one.text for name, one in found)
        return _text(text, 200 if all(one.is_ready for _, one in found) else 503)

    async def _metrics_text(self, request: web.Request) -> web.StreamResponse:
        snapshots = {site.name: (await snapshot_of(site.handle))[0] for site in self._sites.values() if site.is_open}
        body, content_type = self._metrics.expose(snapshots, request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

    async def _pools(self, _: web.Request) -> web.StreamResponse:
        """All pools of this process, in the order of the file, and whether each is ready."""
        found = [await _entry(site) for site in self._sites.values()]
        return web.json_response(to_builtins(found), headers={"Cache-Control": "no-store"})

    async def _status(self, request: web.Request) -> web.StreamResponse:
        answer = await self._site(request).status.status()
        headers = {"ETag": answer.tag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == answer.tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=answer.body, headers=headers, content_type="application/json")

    async def _incidents(self, request: web.Request) -> web.StreamResponse:
        sources, worker = self._site(request).sources, request.query.get("worker")
        found = await asyncio.to_thread(sources.incidents, worker, _count(request, "limit", MOST_INCIDENTS))
        return web.json_response(to_builtins(found), headers={"Cache-Control": "no-store"})

    async def _output(self, request: web.Request) -> web.StreamResponse:
        sources = self._site(request).sources
        slot, lines = _count(request, "slot", MOST_SLOTS), _count(request, "lines", MOST_LINES)
        found = await asyncio.to_thread(sources.output, slot, lines)
        return web.json_response({"slot": slot, "lines": found}, headers={"Cache-Control": "no-store"})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        feed = self._site(request).feed
        if feed.is_full:
            raise UnreachableError("too many listen already", "try again later")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        transport = request.transport
        last = request.headers.get("Last-Event-ID") or request.query.get("after")
        listener = feed.listen(last, transport.abort if transport else _nothing)
        try:
            await response.prepare(request)
            await response.write(f"retry: {RETRY_MS}\n\n".encode())
            while not listener.is_closed:
                await response.write(await listener.messages(HEARTBEAT_S) or b": nothing new\n\n")
        except ConnectionError:
            pass  # the reader has gone, or was too slow
        finally:
            feed.leave(listener)
        return response

    # ---- what is wanted

    def _acting(self, verb: str) -> Handler:
        async def act(request: web.Request) -> web.StreamResponse:
            if request.content_type != "application/json":
                return _text("send Content-Type: application/json", 415)
            try:
                body = actions.read_body(await _body(request))
                handle = self._site(request).handle
                asked = actions.operation(verb, body, handle.agent, f"HTTP from {request.remote}")
            except UsageError as error:
                return _text(_words(error), 400)
            answer = await answer_of(handle, asked)
            if answer.outcome is Outcome.REFUSED:
                return _text(answer.detail, REFUSALS.get(answer.code, 409))
            said = {"asked": verb, "id": asked.id, "outcome": answer.outcome, "detail": answer.detail}
            return web.json_response(said, status=202)

        return act


class _Refused(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


async def _body(request: web.Request) -> bytes:
    """The body of a request, which has to come in time. Raises UsageError for one that is no HTTP."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except TimeoutError as error:
        raise UsageError(f"the body did not come within {BODY_S:g} s", "send it at once") from error
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError) as error:  # the last: it never came whole
        raise UsageError("the body is not as its headers say", "send JSON with its Content-Length") from error


def _count(request: web.Request, name: str, most: int) -> int:
    """A number in the query, ``most`` where it is not there. Raises UsageError for one that makes no sense."""
    text = request.query.get(name, str(most))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) <= most):
        raise UsageError(f"{name} is not a number from 0 to {most:,}", f"send ?{name}=10")
    return int(text)


async def _entry(site: Site) -> PoolEntry:
    if not site.is_open:
        return PoolEntry(site.name, False, None, None, "has not started")
    snapshot = (await snapshot_of(site.handle))[0]
    answer = readiness(snapshot)
    return PoolEntry(site.name, answer.is_ready, snapshot.running, snapshot.share, answer.text)


def _giving(name: str, kind: str) -> Handler:
    body = (resources.files("autohealer.web") / "page" / name).read_bytes()

    async def give(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=kind, charset="utf-8", headers={"Cache-Control": "no-cache"})

    return give


def _refused(refusal: Refusal) -> web.Response:
    return _text(refusal.text, refusal.status, {"WWW-Authenticate": refusal.challenge} if refusal.challenge else {})


def _text(text: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=f"{text}\n", status=status, headers={"Cache-Control": "no-store", **(headers or {})})


def _words(error: AutohealerError) -> str:
    return f"{error}; {error.hint}" if error.hint else str(error)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _nothing(*_: Any) -> None:
    """There is no connection to abort."""
