"""Who may ask for what: names, origins, the token."""

from __future__ import annotations

import base64

import pytest

from autohealer.web.guard import Guard, guard, hostname
from autohealer.web.token import Token

SECRET = "correct-horse-battery-staple"
TOKEN = Token(SECRET, "a test")
LOOPBACK = guard(names=(), is_loopback=True, own_names=("web1",), token=TOKEN)
PUBLIC = guard(names=(), is_loopback=False, own_names=("web1", "Web1.example.com"), token=TOKEN)
PROXIED = guard(names=("pool.example.com",), is_loopback=True, own_names=("web1",), token=TOKEN)
BEARER = {"Authorization": f"Bearer {SECRET}"}
BASIC = {"Authorization": "Basic " + base64.b64encode(f"anyone:{SECRET}".encode()).decode()}


def status(
    guarding: Guard, method: str = "GET", path: str = "/metrics", host: str = "127.0.0.1:8080", **headers: str
) -> int:
    """What it is refused with; 0 where it is not."""
    named = {"Host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    refusal = guarding.refusal(method, path, named)
    return refusal.status if refusal else 0


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:1", "LOCALHOST", "127.9.9.9", "[::1]:80", "localhost."])
def test_names_of_loopback(host: str) -> None:
    """By any port: a tunnel may have another."""
    assert status(LOOPBACK, host=host) == 0


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "web1", "localhost.evil.example", "127.0.0.1.nip.io", "192.0.2.1", "user@localhost",
     "localhost/x", "localhost:99999", "[::1", "0x7f000001", "127.1", "localhost?", "localhost#"],
)  # fmt: skip
def test_other_names_are_refused(host: str) -> None:
    """So that nobody makes a name that points here, and reads in a browser what only this host may."""
    assert status(LOOPBACK, host=host) == 403
    assert status(LOOPBACK, host=host, **BEARER) == 403


def test_beyond_loopback_addresses_and_own_names_will_do() -> None:
    """No name server makes an address point elsewhere; other names need to be told."""
    for host in ("192.0.2.1:8080", "[2001:db8::1]", "web1", "web1.EXAMPLE.com:1", "localhost"):
        assert status(PUBLIC, host=host, **BEARER) == 0
    assert status(PUBLIC, host="evil.example", **BEARER) == 403


def test_reading_on_loopback_needs_no_token() -> None:
    """What changes something does."""
    assert status(LOOPBACK) == 0
    assert status(LOOPBACK, "HEAD") == 0
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        assert status(LOOPBACK, method) == 401
        assert status(LOOPBACK, method, **BEARER) == 0


def test_beyond_loopback_everything_needs_it() -> None:
    """But whether it lives and is ready, which probes ask that know no secrets."""
    for path in ("/", "/metrics", "/api/v1/status", "/api/v1/events", "/main.js"):
        assert status(PUBLIC, path=path) == 401
        assert status(PUBLIC, path=path, **BEARER) == 0
        assert status(PUBLIC, path=path, **BASIC) == 0
    for path in ("/healthz", "/readyz"):
        assert status(PUBLIC, path=path) == 0
        assert status(PUBLIC, "POST", path) == 401


@pytest.mark.parametrize("header", ["Forwarded", "X_Forwarded_For", "X_Forwarded_Host", "X_Real_IP", "Via"])
def test_behind_a_proxy_everything_needs_it(header: str) -> None:
    """There, loopback is where everybody comes from."""
    assert status(LOOPBACK, **{header: "192.0.2.7"}) == 401
    assert status(LOOPBACK, **{header: "192.0.2.7"}, **BEARER) == 0


def test_a_name_for_a_proxy() -> None:
    """It may be called by that, and asked from there, with the token."""
    assert status(PROXIED, host="Pool.example.com") == 401
    assert status(PROXIED, host="pool.example.com", **BEARER) == 0
    assert status(PROXIED, "POST", Origin="https://pool.example.com", **BEARER) == 0
    assert status(PROXIED, "POST", Origin="https://pool.example.com.evil.example", **BEARER) == 403
    assert status(PROXIED) == 401  # a proxy that calls it by its address says nothing of where it comes from


@pytest.mark.parametrize(
    "origin",
    ["null", "http://evil.example", "http://127.0.0.1:3000", "http://localhost:8080", "file://", "http://[::1", "x",
     "javascript://127.0.0.1:8080", "http://127.0.0.1:8080@evil.example"],
)  # fmt: skip
def test_other_origins_are_refused(origin: str) -> None:
    """Another port of this host is another site, too, and the token does not help."""
    assert status(LOOPBACK, Origin=origin) == 403
    assert status(LOOPBACK, "POST", Origin=origin, **BEARER) == 403


def test_its_own_origin() -> None:
    """Nothing is against it, with or without TLS before it."""
    for origin in ("http://127.0.0.1:8080", "https://127.0.0.1:8080"):
        assert status(LOOPBACK, "POST", Origin=origin, **BEARER) == 0


def test_what_other_pages_embed() -> None:
    """They may link to the page, and that is all."""
    assert status(LOOPBACK, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors") == 403
    assert status(LOOPBACK, Sec_Fetch_Site="same-site", Sec_Fetch_Mode="cors") == 403
    assert status(LOOPBACK, path="/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate") == 0
    assert status(LOOPBACK, Sec_Fetch_Site="same-origin", Sec_Fetch_Mode="cors") == 0


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Bearer {SECRET}x", f"bearer {SECRET[:-1]}", f"Token {SECRET}", "Basic",
     "Basic !!!", "Basic " + base64.b64encode(SECRET.encode()).decode(),
     "Basic " + base64.b64encode(b"\xff:\xff").decode(), "Bearer \udcff"],
)  # fmt: skip
def test_what_is_not_the_token(authorization: str) -> None:
    """Nothing but the whole of it will do."""
    assert status(LOOPBACK, "POST", Authorization=authorization) == 401


def test_without_a_token() -> None:
    """Where none could be kept, nothing can be changed, whatever is sent."""
    bare = guard(names=(), is_loopback=True, own_names=(), token=None)
    assert status(bare) == 0
    assert status(bare, "POST", **BEARER) == 403
    assert status(guard(names=(), is_loopback=False, own_names=(), token=None), **BEARER) == 403


def test_a_browser_asks_for_a_password_only_for_the_page() -> None:
    """What the page itself asks for is the page's to explain."""
    opened = PUBLIC.refusal("GET", "/", {"Host": "192.0.2.1"})
    asked = PUBLIC.refusal("GET", "/api/v1/status", {"Host": "192.0.2.1"})
    assert opened is not None
    assert asked is not None
    assert str(opened.challenge).startswith("Basic realm=")
    assert asked.challenge == "Bearer"


def test_host_names() -> None:
    """In small letters, without the port."""
    assert [hostname(text) for text in ("A:1", "[::1]:2", "a.", ":8080")] == ["a", "::1", "a", None]
