"""Who may ask for what. Pure: a request's method, path and headers in, a refusal or none out.

A page of another site cannot read or change anything: it bears another Origin, and by a name that it made to point
here (DNS rebinding) it bears another Host. What changes the pool needs the token; beyond loopback everything does.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from autohealer.web.token import Token

FREE = frozenset({"/healthz", "/readyz"})
# What workers write may hold secrets of theirs, and their files are their owner's alone.
SECRET = frozenset({"/api/v1/output"})
READING = frozenset({"GET", "HEAD"})
# Whoever sends one of these came by way of a proxy, and so from anywhere.
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via")


class Refusal(NamedTuple):
    """The answer to who may not. ``challenge`` tells how to identify oneself."""

    status: int
    text: str
    challenge: str | None = None


class Guard(msgspec.Struct, frozen=True):
    """``names`` are the host names it may be called by, beside loopback; ``token`` is None where there is none."""

    names: frozenset[str]
    is_loopback: bool
    token: Token | None

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """Why not; None where nothing is against it."""
        host = headers.get("Host", "")
        if not self._is_ours(hostname(host)):
            return Refusal(403, "this is not a name of this endpoint; one can be added with --http-host NAME")
        if not self._is_same_site(host, headers):
            return Refusal(403, "another site may not ask here")
        if path in FREE and method in READING:
            return None
        if method in READING and path not in SECRET and self._is_open(headers):
            return None
        if self.token is None:
            return Refusal(403, "there is no token that could allow it; give one in AUTOHEALER_HTTP_TOKEN")
        if any(self.token.matches(candidate) for candidate in _credentials(headers.get("Authorization", ""))):
            return None
        # A browser asks for a password by itself when a page is opened, and leaves it to the page afterwards.
        opened = path == "/" and method in READING
        challenge = 'Basic realm="autohealer: any name, and the token", charset="UTF-8"' if opened else "Bearer"
        # Where it is kept is told on this host alone.
        where = f" ({self.token.source})" if self.is_loopback else ""
        return Refusal(401, f"this needs the token{where}: Authorization: Bearer TOKEN", challenge)

    def _is_open(self, headers: Mapping[str, str]) -> bool:
        """Whether reading needs no token. Behind a proxy, loopback is where everybody comes from."""
        return self.is_loopback and not self.names and not any(name in headers for name in FORWARDED)

    def _is_ours(self, name: str | None) -> bool:
        if name is None:
            return False
        if name in self.names or name == "localhost":
            return True
        try:
            ip = ipaddress.ip_address(name)
        except ValueError:
            return False
        # No name server makes an address point elsewhere.
        return ip.is_loopback or not self.is_loopback

    def _is_same_site(self, host: str, headers: Mapping[str, str]) -> bool:
        origin = headers.get("Origin")
        if origin is not None:
            parts = _parts(origin)
            if parts is None or parts[0] not in {"http", "https"}:
                return False
            return parts[1] == host.lower() or hostname(parts[1]) in self.names
        # A link to the page is no harm; a picture or a script of it on another page is none of theirs.
        crossing = headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}
        return not crossing or headers.get("Sec-Fetch-Mode") == "navigate"


def guard(*, names: Iterable[str], is_loopback: bool, own_names: Iterable[str], token: Token | None) -> Guard:
    """``names`` were asked for; ``own_names`` are what this machine goes by, of use beyond loopback alone."""
    known = [*names, *(() if is_loopback else own_names)]
    return Guard(frozenset(name.lower().rstrip(".") for name in known if name), is_loopback, token)


def hostname(netloc: str) -> str | None:
    """The host of ``HOST[:PORT]``, in small letters; None where it makes no sense."""
    parts = _parts(f"//{netloc}")
    if parts is None or "@" in netloc or "/" in netloc or "?" in netloc or "#" in netloc:
        return None
    return parts[2].rstrip(".") or None


def _parts(url: str) -> tuple[str, str, str] | None:
    """Scheme, host with port, host."""
    try:
        found = urlsplit(url)
        _ = found.port  # raises where it is none
        return found.scheme, found.netloc.lower(), found.hostname or ""
    except ValueError:
        return None


def _credentials(authorization: str) -> list[str]:
    """The token that a request bears: as such, or as the password to any user name."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return [value.strip()]
    if scheme.lower() == "basic":
        try:
            return [base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]]
        except (binascii.Error, ValueError):
            return []
    return []
