"""A network that can be cut: TCP proxies in front of servers, silent when cut, as a switch that fails is.

While it is cut, connections stay open and nothing passes in either direction; what is sent meanwhile is lost, and so
on healing all of them are closed (a real network would find out by its own timeouts, minutes later).
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

PIECE = 65536
WATCH_EVENT = struct.pack(">i", -1)


@dataclass(slots=True)
class _Frames:
    """Cuts a stream into frames. The first one is the greeting, and left out."""

    greeted: bool = False
    buffer: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> Iterator[bytes]:
        """The frames that these bytes complete."""
        self.buffer += data
        while len(self.buffer) >= 4 and len(self.buffer) >= 4 + (length := struct.unpack(">i", self.buffer[:4])[0]):
            frame = bytes(self.buffer[4 : 4 + length])
            del self.buffer[: 4 + length]
            if self.greeted:
                yield frame
            self.greeted = True


@dataclass(eq=False, slots=True)
class _Pair:
    """One client, and its connection to the server; in each direction, what has come and is not yet a whole frame."""

    client: socket.socket
    server: socket.socket
    asked: _Frames = field(default_factory=_Frames)
    answered: _Frames = field(default_factory=_Frames)


class Proxy:
    """In front of every server of ``hosts`` (HOST:PORT,…).

    ``requests`` holds what clients have asked for, each as the number of its type; ``events`` counts what servers have
    told of watches. So many of the next connections as ``deaf`` says are taken, and never heard.
    """

    def __init__(self, hosts: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._listeners: list[socket.socket] = []
        self._pairs: set[_Pair] = set()
        self._lock = threading.RLock()
        self._cut = False
        self._closed = False
        self.requests: list[int] = []
        self.events = 0
        self.deaf = 0
        self._unheard: list[socket.socket] = []
        for host in hosts.split(","):
            name, _, port = host.rpartition(":")
            listener = socket.create_server(("127.0.0.1", 0))
            self._listeners.append(listener)
            self._selector.register(listener, selectors.EVENT_READ, (name, int(port)))
        self._thread = threading.Thread(target=self._serve, name="proxy", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @property
    def hosts(self) -> str:
        """The connection string of all servers, by way of this proxy."""
        return ",".join(f"127.0.0.1:{listener.getsockname()[1]}" for listener in self._listeners)

    def cut(self) -> None:
        """From now on nothing passes, and nobody is told."""
        with self._lock:
            self._cut = True

    def heal(self) -> None:
        """What was open is closed; new connections pass."""
        with self._lock:
            self._cut = False
            for pair in list(self._pairs):
                self._drop(pair)

    def close(self) -> None:
        """End it, and every connection."""
        self._closed = True
        self._thread.join()
        with self._lock:
            for pair in list(self._pairs):
                self._drop(pair)
        for end in self._listeners + self._unheard:
            end.close()
        self._selector.close()

    def _serve(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select(0.05):
                with self._lock:
                    if isinstance(key.data, tuple):
                        self._accept(key.fileobj, key.data)  # type: ignore[arg-type]  # a socket
                    elif key.data in self._pairs:
                        self._pass(key.data, key.fileobj)  # type: ignore[arg-type]  # a socket

    def _accept(self, listener: socket.socket, address: tuple[str, int]) -> None:
        client, _ = listener.accept()
        if self.deaf:
            self.deaf -= 1
            self._unheard.append(client)
            return
        server = socket.socket()
        if not self._cut:
            try:
                server.connect(address)
            except OSError:
                client.close()
                server.close()
                return
        pair = _Pair(client, server)
        self._pairs.add(pair)
        for end in (client, server) if not self._cut else (client,):
            self._selector.register(end, selectors.EVENT_READ, pair)

    def _pass(self, pair: _Pair, end: socket.socket) -> None:
        try:
            data = end.recv(PIECE)
        except OSError:
            data = b""
        if self._cut:
            if not data:
                self._selector.unregister(end)
            return
        if not data:
            self._drop(pair)
            return
        other = pair.server if end is pair.client else pair.client
        if end is pair.client:
            self.requests += [struct.unpack(">i", frame[4:8])[0] for frame in pair.asked.take(data)]
        else:
            self.events += sum(frame[:4] == WATCH_EVENT for frame in pair.answered.take(data))
        try:
            other.sendall(data)
        except OSError:
            self._drop(pair)

    def _drop(self, pair: _Pair) -> None:
        self._pairs.discard(pair)
        for end in (pair.client, pair.server):
            with suppress(KeyError, ValueError):
                self._selector.unregister(end)
            end.close()
