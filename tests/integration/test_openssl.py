"""OpenSSL is in an agent's memory where something speaks TLS, and nowhere else."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.integration.test_senses import QUICK_PROBE, free_ports
from tests.support.certificates import Authority
from tests.support.pools import Pool

SERVES_TLS = """
import os, ssl, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server = HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def has_openssl(pid: int) -> bool:
    """Whether a process has it in its memory."""
    return "libcrypto" in Path(f"/proc/{pid}/maps").read_text()


def test_an_agent_does_without(embedded_pool: Pool) -> None:
    """Whatever it does of what everybody's agent does."""
    agent = embedded_pool.run(2, options=("--probe-exec", "true", *QUICK_PROBE))
    former = embedded_pool.until_running(2)
    os.kill(former[0], signal.SIGKILL)
    embedded_pool.until_replaced(former, [0])
    embedded_pool.until_registered(2)

    assert not has_openssl(agent.pid)


def test_a_probe_by_https(embedded_pool: Pool, tmp_path: Path) -> None:
    """It brings OpenSSL, and finds the worker ready by a certificate that the agent is told to trust."""
    authority = Authority(tmp_path)
    made = authority.issue("worker", "DNS:localhost")
    options = ("--port-base", str(free_ports(1)), "--probe-http", "https://localhost:{port}/", *QUICK_PROBE)
    agent = embedded_pool.run(
        1,
        *(sys.executable, "-c", SERVES_TLS, made.cert, made.key),
        options=options,
        env={"SSL_CERT_FILE": str(authority.certificate.cert)},
    )
    embedded_pool.until_event("worker.ready", slot=0)

    assert has_openssl(agent.pid)
