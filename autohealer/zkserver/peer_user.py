"""Whose is the other end of a connection on loopback? The kernel knows; the peer is not asked.

Only while the other socket is ESTABLISHED: one that was closed by its process has no owner any more, and the kernel
shows it as root's.
"""

from __future__ import annotations

import errno
import os
import socket
from struct import Struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

Address = tuple[str, int]

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h
_NETLINK_SOCK_DIAG: Final = 4
_SOCK_DIAG_BY_FAMILY: Final = 20
_NLM_F_REQUEST: Final = 1
_NLMSG_ERROR: Final = 2
_ESTABLISHED: Final = 1
_NO_COOKIE: Final = 0xFFFFFFFF
_HEADER: Final = Struct("=IHHII")  # length, type, flags, sequence number, port
_REQUEST: Final = Struct("=BBBBI")  # family, protocol, extensions, padding, states
_SOCKET_ID: Final = Struct("!HH16s16s")  # source and destination: ports, addresses
_SOCKET_ID_TAIL: Final = Struct("=III")  # interface, cookie
_ANSWER_STATE: Final = 1
_ANSWER_USER: Final = Struct("=I")
_ANSWER_USER_AT: Final = 64
_ERROR: Final = Struct("=i")
_ANSWER_TIMEOUT_S: Final = 1.0


class PeerUsers:
    """Asks for the users behind IPv4 connections, some 10 µs each."""

    def __init__(self) -> None:
        self._netlink = _open_netlink()
        self._sequence = 0

    def user_of(self, peer: Address, own: Address) -> int | None:
        """The user id of the process at the other end. None: the socket there is not ESTABLISHED any more.

        ``peer`` is the address of the other end, ``own`` that of the end which we accepted.
        """
        if self._netlink is not None:
            try:
                return self._ask(self._netlink, peer, own)
            except OSError:
                # a kernel without sock_diag, or a sandbox that does not let us use it
                self.close()
        return _read_user(peer, own)

    def close(self) -> None:
        """Let the socket to the kernel go. What is asked afterwards is read from ``/proc``."""
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None

    def _ask(self, netlink: socket.socket, peer: Address, own: Address) -> int | None:
        self._sequence = self._sequence + 1 & 0xFFFFFFFF
        body = (
            _REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << _ESTABLISHED)
            + _SOCKET_ID.pack(peer[1], own[1], socket.inet_aton(peer[0]), socket.inet_aton(own[0]))
            + _SOCKET_ID_TAIL.pack(0, _NO_COOKIE, _NO_COOKIE)
        )
        netlink.send(
            _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, self._sequence, 0) + body
        )
        while True:
            answer = netlink.recv(4096)
            _, kind, _, sequence, _ = _HEADER.unpack_from(answer)
            if sequence == self._sequence:  # else it is late, and answers a question that we gave up
                break
        body = answer[_HEADER.size :]
        if kind == _NLMSG_ERROR:
            code = -_ERROR.unpack_from(body)[0]
            if code == errno.ENOENT:
                return None
            raise OSError(code, os.strerror(code))
        if body[_ANSWER_STATE] != _ESTABLISHED:
            return None
        user: int = _ANSWER_USER.unpack_from(body, _ANSWER_USER_AT)[0]
        return user


def _open_netlink() -> socket.socket | None:
    try:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG)
    except OSError:
        return None
    netlink.settimeout(_ANSWER_TIMEOUT_S)
    return netlink


def _read_user(peer: Address, own: Address) -> int | None:
    """The same from ``/proc/net``: the kernel writes a line for each socket there is."""
    wanted = {(_hexadecimal(peer, mapped=mapped), _hexadecimal(own, mapped=mapped)) for mapped in (False, True)}
    for fields in _sockets():
        if (fields[1], fields[2]) in wanted and int(fields[3], 16) == _ESTABLISHED:
            return int(fields[7])
    return None


def _sockets() -> Iterator[list[str]]:
    # a client with an IPv6 socket (Java's) stands in the second, its addresses mapped
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                next(file)
                yield from (line.split() for line in file)
        except OSError:
            continue


def _hexadecimal(address: Address, *, mapped: bool) -> str:
    """As in ``/proc/net``: words of 32 bits in the machine's own order."""
    number = int.from_bytes(socket.inet_aton(address[0]), "little" if _IS_LITTLE else "big")
    prefix = "0" * 16 + ("FFFF0000" if _IS_LITTLE else "0000FFFF") if mapped else ""
    return f"{prefix}{number:08X}:{address[1]:04X}"


_IS_LITTLE: Final = Struct("=H").pack(1) == b"\1\0"
