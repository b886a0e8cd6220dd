"""Access control lists: who may do what with a node.

An identity is ``(scheme, id)``; a connection has its address (``ip``) from the start, and gains others by auth
requests. An ACL is a tuple of ``(permissions, scheme, id)``.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Final

from autohealer.zkserver.jute import MalformedError
from autohealer.zkserver.protocol import (
    ALL_PERMISSIONS,
    INVALID_ACL,
    NO_AUTH,
    READ,
    RequestError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

Identity = tuple[str, str]
Entry = tuple[int, str | None, str | None]
Acl = tuple[tuple[int, str, str], ...]

OPEN: Final[Acl] = ((ALL_PERMISSIONS, "world", "anyone"),)
READ_ONLY: Final[Acl] = ((READ, "world", "anyone"),)


def check(acl: Acl, permission: int, identities: Iterable[Identity]) -> None:
    """Raise NoAuth unless one of the identities has one of the permissions."""
    if acl is OPEN:
        return
    for permissions, scheme, identity in acl:
        if not permissions & permission:
            continue
        if scheme == "world" and identity == "anyone":
            return
        for own_scheme, own in identities:
            if own_scheme == scheme and (own == identity or (scheme == "ip" and _in_network(own, identity))):
                return
    raise RequestError(NO_AUTH)


def resolve(entries: list[Entry] | None, identities: Iterable[Identity]) -> Acl:
    """The list as it is stored: without doubles, each entry well formed, ``auth`` replaced by who the caller is."""
    if not entries:
        raise RequestError(INVALID_ACL)
    if len(entries) == 1 and entries[0] == OPEN[0]:
        return OPEN
    resolved: list[tuple[int, str, str]] = []
    for permissions, scheme, identity in dict.fromkeys(entries):
        if scheme is None:
            raise RequestError(INVALID_ACL)
        if scheme == "auth":
            own = [(permissions, *known) for known in identities if known[0] == "digest"]
            if not own:
                raise RequestError(INVALID_ACL)
            resolved += own
        elif identity is None and scheme in {"world", "digest", "ip"}:
            raise MalformedError("a null id")
        elif identity is not None and _is_valid(scheme, identity):
            resolved.append((permissions, scheme, identity))
        else:
            raise RequestError(INVALID_ACL)
    acl = tuple(resolved)
    return OPEN if acl == OPEN else acl


def stored(entries: list[Entry]) -> Acl:
    """An ACL that was resolved before, read back."""
    acl = tuple((permissions, scheme or "", identity or "") for permissions, scheme, identity in entries)
    return OPEN if acl == OPEN else acl


def masked(acl: Acl) -> Acl:
    """What is shown to those who may not change it: the digests are hidden."""
    return tuple(
        (permissions, scheme, identity.partition(":")[0] + ":x" if scheme == "digest" and ":" in identity else identity)
        for permissions, scheme, identity in acl
    )


def digest_identity(credentials: bytes) -> Identity:
    """``user:password`` as the identity that is stored: the password is hashed."""
    import hashlib  # noqa: PLC0415  # brings in OpenSSL, which a server that nobody authenticates to can do without

    text = credentials.decode("utf-8", "replace")
    digest = hashlib.sha1(text.encode(), usedforsecurity=False).digest()
    hashed = binascii.b2a_base64(digest, newline=False).decode()
    return "digest", f"{text.partition(':')[0]}:{hashed}"


def _is_valid(scheme: str, identity: str) -> bool:
    if scheme == "world":
        return identity == "anyone"
    if scheme == "digest":
        # as Java's split has it: two parts, where empty ones at the end do not count
        parts = identity.split(":")
        while len(parts) > 1 and not parts[-1]:
            parts.pop()
        return len(parts) == 2
    return scheme == "ip" and _network(identity) is not None


def _network(expression: str) -> tuple[int, int] | None:
    """An IPv4 address, maybe with ``/bits``, as address and mask."""
    address, slash, bits = expression.partition("/")
    parts = address.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts):
        return None
    if slash and not (bits.isascii() and bits.isdigit() and int(bits) <= 32):
        return None
    mask = (0xFFFFFFFF << (32 - int(bits))) & 0xFFFFFFFF if slash else 0xFFFFFFFF
    number = int.from_bytes(map(int, parts), "big")
    return number & mask, mask


def _in_network(address: str, expression: str) -> bool:
    network, own = _network(expression), _network(address)
    return network is not None and own is not None and own[0] & network[1] == network[0]
