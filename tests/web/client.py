"""Asks an endpoint over HTTP, as anybody could: one connection for each question."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

ANSWER_S = 60.0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """``address`` is HOST:PORT; ``token`` is sent with every question, if there is one."""

    address: str
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer; ``body`` is sent as JSON."""
        sent = {**self._headers(), **(headers or {})}
        data = None
        if body is not None:
            data = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        with closing(http.client.HTTPConnection(self.address, timeout=ANSWER_S)) as connection:
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())

    def get(self, path: str, **headers: str) -> Answer:
        """Look at something; a header's dashes are underscores here."""
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, verb: str, body: object, **headers: str) -> Answer:
        """Ask for something."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", f"/api/v1/{verb}", body, named)

    @contextmanager
    def events(self, last_id: str | None = None, path: str = "/api/v1/events") -> Iterator[Iterator[tuple[str, Any]]]:
        """The events as they come, each with its id."""
        headers = self._headers() | ({"Last-Event-ID": last_id} if last_id else {})
        with closing(http.client.HTTPConnection(self.address, timeout=ANSWER_S)) as connection:
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as response:
                assert response.status == 200, response.read()
                assert response.getheader("Content-Type") == "text/event-stream"
                yield _messages(response)

    def raw(self, data: bytes) -> bytes:
        """What comes back for these very bytes."""
        host, _, port = self.address.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), ANSWER_S) as connection:
            connection.sendall(data)
            received = b""
            while more := connection.recv(65536):
                received += more
            return received

    def _headers(self) -> dict[str, str]:
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**self.headers, **token}


def _messages(response: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    name = ""
    while line := response.readline():
        field_name, _, value = line.decode().rstrip("\n").partition(": ")
        if field_name == "id":
            name = value
        elif field_name == "data":
            yield name, json.loads(value)
