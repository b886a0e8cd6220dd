"""The token: who has it may change the pool over HTTP."""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from autohealer.errors import UsageError

VARIABLE = "AUTOHEALER_HTTP_TOKEN"
LEAST = 16
MOST = 512


class Token:
    """A secret that can be compared, and is never shown."""

    __slots__ = ("_secret", "source")

    def __init__(self, secret: str, source: str) -> None:
        self._secret = secret.encode()
        self.source = source
        """Where a person finds it."""

    def __repr__(self) -> str:
        return f"Token({self.source})"

    def matches(self, candidate: str) -> bool:
        """Whether this is it, in a time that does not tell how far it was right."""
        return hmac.compare_digest(self._secret, candidate.encode(errors="surrogateescape"))


def from_environment(environ: Mapping[str, str]) -> Token | None:
    """The token that was given. Raises UsageError for one that could be guessed."""
    given = environ.get(VARIABLE)
    if not given:
        return None
    if not (LEAST <= len(given) <= MOST and given.isascii() and given.isprintable() and " " not in given):
        raise UsageError(
            f"{VARIABLE} is not from {LEAST} to {MOST} printable ASCII characters without blanks",
            "make one with: openssl rand -hex 32",
        )
    return Token(given, VARIABLE)


def from_file(path: Path) -> Token:
    """The token in this file, which is made where it is missing, or where others could have read it.

    Raises OSError where it can neither be read nor made.
    """
    secret = _read(path)
    if secret is None:
        secret = secrets.token_urlsafe(32)
        _write(path, secret)
    return Token(secret, str(path))


def _read(path: Path) -> str | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    with open(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
            return None
        text = file.read(MOST + 2).decode("ascii", "replace").strip()
    return text if LEAST <= len(text) <= MOST and text.isprintable() else None


def _write(path: Path, secret: str) -> None:
    """In one step: what is there is a whole token or none."""
    new = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        new.unlink()
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "w") as file:
        file.write(f"{secret}\n")
    new.replace(path)
