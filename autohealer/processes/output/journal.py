"""systemd's journal as the place where workers' output goes: the agent is out of the way, as with files.

The journal takes a stream for each worker: seven lines of introduction, then what the worker writes, line by line.
"""

from __future__ import annotations

import socket

from autohealer.processes.output.files import OpenedFile

SOCKET = "/run/systemd/journal/stdout"
_INFO = 6


class JournaldStreams:
    """Opens streams to the journal: `journalctl -t POOL-SLOT` shows what the workers of a slot wrote."""

    def __init__(self, pool: str, path: str = SOCKET) -> None:
        self._pool, self._path = pool, path

    def open(self, slot: int) -> OpenedFile:
        """A stream for a worker of this slot. Raises OSError where the journal does not answer at once."""
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.setblocking(False)
            stream.connect(self._path)
            stream.shutdown(socket.SHUT_RD)
            stream.send(self._introduction(slot))
            stream.setblocking(True)
        except OSError as error:
            stream.close()
            raise OSError(error.errno, f"the journal of systemd at {self._path}: {error.strerror}") from error
        return OpenedFile(stream.detach(), 0)

    def _introduction(self, slot: int) -> bytes:
        """Identifier, unit, priority, whether `<N>` at a line's start is one, and no forwarding to anywhere else."""
        identifier = f"{self._pool}-{slot}".replace("\n", " ")
        return "\n".join([identifier, "", str(_INFO), "1", "0", "0", "0", ""]).encode()
