"""The journal gets a stream for each worker, introduced as its own clients introduce themselves."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from autohealer.processes.output.journal import JournaldStreams


def test_a_worker_writes_straight_to_the_journal(tmp_path: Path) -> None:
    path = str(tmp_path / "stdout")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen()
        opened = JournaldStreams("web", path).open(3)
        stream, _ = listener.accept()
        os.write(opened.fd, b"hello\n")
        assert os.get_blocking(opened.fd)
        os.close(opened.fd)
        with stream:
            said = b""
            while chunk := stream.recv(100):
                said += chunk

    assert said == b"web-3\n\n6\n1\n0\n0\n0\nhello\n"


def test_no_journal_is_an_error(tmp_path: Path) -> None:
    """That says what is not there."""
    with pytest.raises(FileNotFoundError, match=r"the journal of systemd at \S+/none: No such file"):
        JournaldStreams("web", str(tmp_path / "none")).open(0)


def test_a_journal_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    """Its queue is full: a worker starts without it, rather than not at all."""
    path = str(tmp_path / "stdout")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(0)
        fds: list[int] = []
        with pytest.raises(BlockingIOError):
            _open_many(path, fds)
        for fd in fds:
            os.close(fd)


def _open_many(path: str, fds: list[int]) -> None:
    fds.extend(JournaldStreams("web", path).open(0).fd for _ in range(100))
