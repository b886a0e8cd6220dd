"""asyncio, hashlib and kazoo without OpenSSL, for a program that lives long and seldom needs it.

Each of them imports OpenSSL whether it is used or not, and a process then has some 5 MiB more for as long as it lives.
After `import_without_openssl`, which comes before any other import of the three,

- asyncio is what it is in a Python that was built without ssl: it offers no TLS. Nobody here wants any of it, for
  probes and kazoo secure their sockets themselves, and aiohttp serves plain HTTP.
- hashlib and hmac have the hash functions that are Python's own.
- kazoo has a stand-in for ssl, behind which the real module is imported once TLS is asked for.

``import ssl`` by anybody else gets the real module, then as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from types import ModuleType
from typing import Any

FIPS = "/proc/sys/crypto/fips_enabled"
SHA2 = ("_sha2",) if sys.version_info >= (3, 12) else ("_sha256", "_sha512")
OWN_HASHES = ("_md5", "_sha1", *SHA2, "_sha3", "_blake2")


def import_without_openssl() -> None:
    """Import them so. What has been imported before is left as it is."""
    if _has_own_hashes():
        with _instead("_hashlib", None):
            import_module("hashlib")
            import_module("hmac")
    with _instead("ssl", None):
        import_module("asyncio")
    with _instead("ssl", _Ssl("ssl")):
        import_module("kazoo.client")


class _NeverRaised(Exception):  # noqa: N818 - it is no error: it stands for one that cannot come
    """What ``except ssl.SSLError`` looks for as long as nothing can raise that."""


class _Ssl(ModuleType):
    """Stands for ssl. It is imported when something of it is wanted.

    kazoo asks for ``SSLError`` whenever a connection breaks, to see whether this was one. Where ssl has not been
    imported it was none.
    """

    def __getattr__(self, name: str) -> Any:
        if name == "SSLError" and "ssl" not in sys.modules:
            return _NeverRaised
        return getattr(import_module("ssl"), name)


@contextmanager
def _instead(name: str, stand_in: ModuleType | None) -> Iterator[None]:
    """Whoever imports the module of this name gets the stand-in meanwhile; where that is None, an ImportError."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = stand_in  # type: ignore[assignment]  # None is how Python is told that there is no such module
    try:
        yield
    finally:
        del sys.modules[name]


def _has_own_hashes() -> bool:
    """Whether Python may do without OpenSSL's: a build can lack its own, and a host can demand approved ones (FIPS)."""
    with suppress(OSError), open(FIPS) as file:
        if file.read().strip() == "1":
            return False
    try:
        for name in OWN_HASHES:
            import_module(name)
    except ImportError:
        return False
    return True
