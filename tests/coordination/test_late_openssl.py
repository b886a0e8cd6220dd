"""What imports OpenSSL by habit does without it in a program that asks first. Each test is a program of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = """
import logging, sys
from pathlib import Path
from autohealer.coordination import late_openssl
from autohealer.coordination.late_openssl import import_without_openssl

def has_openssl():
    return "libcrypto" in Path("/proc/self/maps").read_text()

logging.disable()
"""


def program(text: str) -> None:
    """Run it; it has to end well, and to say nothing."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + text], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_all_is_there_but_openssl() -> None:
    """Hash functions, servers and clients by asyncio, a kazoo whose server is away."""
    program("""
import_without_openssl()
import asyncio, hashlib, hmac, random, secrets
import pytest
from kazoo.client import KazooClient
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.protocol import connection

assert hashlib.sha256(b"").hexdigest().startswith("e3b0c442")
assert all(hasattr(hashlib, name) for name in hashlib.algorithms_guaranteed)
assert hmac.new(b"k", b"m", "sha256").hexdigest().startswith("b60090e3")

async def talk():
    async def answer(reader, writer):
        writer.write(await reader.readline())
        writer.close()
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"line\\n")
        assert await reader.read() == b"line\\n"
        writer.close()
asyncio.run(talk())

client = KazooClient("127.0.0.1:1")
with pytest.raises(KazooTimeoutError):
    client.start(0.1)
with pytest.raises(ConnectionResetError):
    try:
        raise ConnectionResetError
    except connection.ssl.SSLError:
        pass
assert not has_openssl()
""")


def test_kazoo_gets_it_when_it_wants_it() -> None:
    """And so does everybody else, before or after."""
    program("""
import_without_openssl()
from kazoo.handlers import utils
from kazoo.protocol import connection

context = utils.ssl.SSLContext(utils.ssl.PROTOCOL_TLS_CLIENT)
import ssl
assert isinstance(context, ssl.SSLContext)
assert connection.ssl.SSLError is ssl.SSLError
assert has_openssl()
""")


def test_what_is_imported_already_stays() -> None:
    """Such as in a program that uses TLS itself."""
    program("""
import asyncio, hashlib, ssl
import_without_openssl()
from asyncio import sslproto
from kazoo.protocol import connection
assert sslproto.ssl is connection.ssl is sys.modules["ssl"] is ssl
assert hashlib.new("sha256").__class__.__module__ == "_hashlib"
""")


@pytest.mark.parametrize(
    "demand", ['late_openssl.FIPS = "{fips}"', 'sys.modules["_blake2"] = None'], ids=["of the host", "of the build"]
)
def test_hashes_are_openssl_s_where_they_have_to_be(demand: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A host that wants approved ones, and a Python that has none of its own."""
    fips = tmp_path_factory.mktemp("crypto") / "fips_enabled"
    fips.write_text("1\n")
    program(f"""
{demand.format(fips=fips)}
import_without_openssl()
import hashlib
assert hashlib.new("sha256").__class__.__module__ == "_hashlib"
from asyncio import sslproto
assert sslproto.ssl is None
""")
