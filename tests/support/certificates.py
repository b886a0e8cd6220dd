"""Certificates for TLS in tests, made by openssl: an authority, and who it vouches for."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
# Python 3.13 and later take no certificate that does not say this.
USAGE = ("-addext", "keyUsage=critical,digitalSignature,keyCertSign,cRLSign")


@dataclass(frozen=True)
class Certificate:
    """Two files in PEM."""

    cert: Path
    key: Path


class Authority:
    """An authority in a directory, which nobody knows but who is told to trust ``certificate.cert``."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self.certificate = self._make(name, f"/CN={name}")

    def issue(self, name: str, *alternatives: str) -> Certificate:
        """A certificate for a server or a client; ``alternatives`` such as ``DNS:localhost`` are the names it bears."""
        names = ("-addext", f"subjectAltName={','.join(alternatives)}") if alternatives else ()
        by = ("-CA", str(self.certificate.cert), "-CAkey", str(self.certificate.key))
        return self._make(name, f"/CN={name}", *by, *names)

    def _make(self, name: str, subject: str, *options: str) -> Certificate:
        made = Certificate(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        files = ("-out", str(made.cert), "-keyout", str(made.key))
        command = ["openssl", "req", "-x509", "-days", "2", "-subj", subject, *NEW_KEY, *USAGE, *files, *options]
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        return made
