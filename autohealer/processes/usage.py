"""Which workers hold a connection to ZooKeeper?

The kernel's own tables are read instead of asking psutil, which costs the agent megabytes and, for each process,
another look at every connection of the machine.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import TYPE_CHECKING

from autohealer.processes.tree import procfs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_ESTABLISHED = b"01"
_MAPPED = b"\0" * 10 + b"\xff\xff"

Address = tuple[str, int]


def holding_connection(pids: Iterable[int], addresses: Collection[Address]) -> set[int]:
    """Which of the processes hold, or a descendant of theirs holds, a TCP connection to one of the addresses.

    ``addresses`` are (ip, port), as resolved. An IPv4 address is met in its IPv6 form, too, which is how a JVM
    connects. The processes share our network. One walk through /proc, however many are asked about.
    """
    wanted = {(_packed(ip), port) for ip, port in addresses}
    sockets = _sockets_to(wanted)
    if not sockets:
        return set()
    children: dict[int, list[int]] = {}
    for stat in procfs.all_stats().values():
        children.setdefault(stat.parent, []).append(stat.pid)
    return {pid for pid in pids if _tree_has(pid, children, sockets)}


def holds_connection(pid: int, addresses: Collection[Address]) -> bool:
    """`holding_connection` for one process."""
    return bool(holding_connection([pid], addresses))


def _tree_has(root: int, children: dict[int, list[int]], sockets: set[str]) -> bool:
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        if any(target in sockets for target in _descriptors(pid)):
            return True
        waiting.extend(children.get(pid, ()))
    return False


def _descriptors(pid: int) -> Iterator[str]:
    """What the open descriptors of a process point to, such as ``socket:[4711]``."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            yield os.readlink(f"{folder}/{name}")  # noqa: PTH115


def _sockets_to(wanted: set[tuple[bytes, int]]) -> set[str]:
    """The established connections of this machine to the wanted addresses, as descriptors name them."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (procfs.read_file(table, 1 << 26) or b"").splitlines()[1:]:
            fields = line.split(None, 10)
            if len(fields) > 9 and fields[3] == _ESTABLISHED and _remote(fields[2]) in wanted:
                found.add(f"socket:[{fields[9].decode('ascii')}]")
    return found


def _remote(text: bytes) -> tuple[bytes, int]:
    """An address of the kernel's table: words of 32 bits in the machine's byte order, a colon, the port."""
    address, _, port = text.partition(b":")
    packed = bytes.fromhex(address.decode("ascii"))
    if sys.byteorder == "little":
        packed = b"".join(packed[start : start + 4][::-1] for start in range(0, len(packed), 4))
    return _unmapped(packed), int(port, 16)


def _packed(ip: str) -> bytes:
    """Raises OSError for what is not an address, such as a name."""
    return _unmapped(socket.inet_pton(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip.partition("%")[0]))


def _unmapped(packed: bytes) -> bytes:
    return packed.removeprefix(_MAPPED) if len(packed) == 16 else packed
