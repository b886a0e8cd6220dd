"""TLS to ZooKeeper: which files are used, whether they are of use, and why a server is not talked to."""

from __future__ import annotations

import os
import socket
import ssl
from contextlib import suppress

import msgspec
from kazoo.hosts import collect_hosts

from autohealer.errors import UsageError

PROBE_S = 2.0
# A server that does not take our certificate may say so only after the handshake.
REFUSAL_S = 0.5
CLOSED = "the server ends the handshake; does it speak TLS on this port, and does it want a certificate?"


class Tls(msgspec.Struct, frozen=True):
    """The options ``--zk-ca``, ``--zk-cert`` and ``--zk-key``: files in PEM.

    The server has to show a certificate for the host as the connection string names it, by an authority in ``ca``
    or one that this machine trusts. Where ``key`` is not given, it is looked for in the file of ``cert``.
    """

    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def check(self) -> Tls:
        """Itself, where the files can be used; UsageError where they cannot, for the connection would never come."""
        if self.key and not self.cert:
            raise UsageError("--zk-key is given without --zk-cert", "give the certificate that it belongs to")
        for name, file in (("--zk-ca", self.ca), ("--zk-cert", self.cert), ("--zk-key", self.key)):
            _check_readable(name, file)
        self._context()
        return self

    @property
    def for_kazoo(self) -> dict[str, object]:
        """As kazoo's client has it. By itself it would take any host's certificate."""
        files = {"ca": self.ca, "certfile": self.cert, "keyfile": self.key or self.cert}
        return {"use_ssl": True, "verify_certs": True, "check_hostname": True, **files}

    def problem(self, servers: str) -> str | None:
        """What a handshake with the servers fails of; None where none of them answers, or it does not fail.

        Waits for each server, 2 s at most.
        """
        for host, port in collect_hosts(servers)[0]:
            with suppress(OSError):
                return self._refusal(host, port)
        return None

    def _refusal(self, host: str, port: int) -> str | None:
        """Why it does not talk to us. Raises OSError where nobody is there."""
        with socket.create_connection((host, port), PROBE_S) as plain:
            try:
                with self._context().wrap_socket(plain, server_hostname=host) as secure:
                    secure.settimeout(REFUSAL_S)
                    return None if secure.recv(1) else CLOSED
            except TimeoutError:  # it waits for what we want
                return None
            except ssl.SSLCertVerificationError as error:
                return f"its certificate is not accepted: {error.verify_message}"
            except (ssl.SSLError, ConnectionError):
                return CLOSED

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.ca:
            try:
                context.load_verify_locations(self.ca)
            except ssl.SSLError as error:
                raise UsageError(f"--zk-ca {self.ca} holds no certificate", "it has to be in PEM") from error
        if self.cert:
            try:
                context.load_cert_chain(self.cert, self.key, password=_refused)
            except ssl.SSLError as error:
                what = f"--zk-cert {self.cert} and --zk-key {self.key or self.cert} are no certificate and its key"
                raise UsageError(what, "both have to be in PEM") from error
        return context


def _refused() -> str:
    """Nobody is there to be asked for it when a connection is made anew."""
    raise UsageError("the key of --zk-key is locked by a passphrase", "give one without, in a file that only you read")


def _check_readable(name: str, file: str | None) -> None:
    try:
        if file is not None:
            os.close(os.open(file, os.O_RDONLY))
    except OSError as error:
        raise UsageError(f"{name} {file} cannot be read: {error.strerror}", "name a file in PEM") from error
