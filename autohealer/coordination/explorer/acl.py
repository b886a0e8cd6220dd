"""ACLs as zkCli writes them: ``world:anyone:cdrwa,digest:USER:HASH:r``."""

from __future__ import annotations

from typing import Any, NamedTuple

from kazoo.security import ACL, Id, Permissions

from autohealer.errors import UsageError

OPEN = "world:anyone:cdrwa"

_LETTERS = {
    "c": Permissions.CREATE,
    "d": Permissions.DELETE,
    "r": Permissions.READ,
    "w": Permissions.WRITE,
    "a": Permissions.ADMIN,
}
_EXAMPLE = f"write it as {OPEN}, digest:USER:HASH:cdrwa or ip:ADDRESS:r, several by commas"


class Permission(NamedTuple):
    """Who may do what."""

    scheme: str
    id: str
    perms: str


def parse_acl(text: str) -> list[Any]:
    """The ACL that the text says, as kazoo has it."""
    return [_parse(part) for part in text.split(",")]


def _parse(part: str) -> Any:
    scheme, _, rest = part.partition(":")
    who, colon, letters = rest.rpartition(":")
    if not (scheme and colon and letters):
        raise UsageError(f"{part!r} does not have the form SCHEME:ID:PERMS", _EXAMPLE)
    unknown = sorted(set(letters) - set(_LETTERS))
    if unknown:
        raise UsageError(f"{''.join(unknown)!r} in {part!r} is no permission", "use letters of cdrwa")
    # Of `auth` the server uses the connection's own credentials; a password after it need not go anywhere.
    return ACL(sum(_LETTERS[letter] for letter in set(letters)), Id(scheme, "" if scheme == "auth" else who))


def read_acl(acl: list[Any]) -> list[Permission]:
    """What the server says, in letters."""
    return [
        Permission(
            entry.id.scheme, entry.id.id, "".join(letter for letter, bit in _LETTERS.items() if entry.perms & bit)
        )
        for entry in acl
    ]
