"""The four-letter words: what an operator types into netcat, in ZooKeeper's own format."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from autohealer.zkserver.protocol import VERSION
from autohealer.zkserver.sessions import BUCKET_MS, MAX_TIMEOUT_MS, MIN_TIMEOUT_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from autohealer.zkserver.connection import Connection
    from autohealer.zkserver.engine import Engine

_FULL_VERSION: Final = f"{VERSION}-autohealer, built on 01/01/1970 00:00 UTC"


def answer(engine: Engine, word: bytes, now: float) -> bytes:
    """What there is to say to one of the words."""
    return WORDS[word](engine, now).encode()


def _ruok(_engine: Engine, _now: float) -> str:
    return "imok"


def _isro(_engine: Engine, _now: float) -> str:
    return "rw"


def _srvr(engine: Engine, _now: float) -> str:
    return _head() + _summary(engine)


def _stat(engine: Engine, _now: float) -> str:
    clients = "".join(f" {_brief(connection)})\n" for connection in engine.connections)
    return f"{_head()}Clients:\n{clients}\n{_summary(engine)}"


def _mntr(engine: Engine, now: float) -> str:
    statistics, watches = engine.statistics, engine.watches
    values = {
        "version": _FULL_VERSION,
        "server_state": "standalone",
        "uptime": round((now - engine.started_at) * 1000),
        "avg_latency": f"{statistics.average_ms:.4f}",
        "max_latency": round(statistics.longest_ms),
        "min_latency": round(statistics.shortest_ms),
        "packets_received": statistics.received(engine.connections),
        "packets_sent": statistics.sent(engine.connections),
        "num_alive_connections": len(engine.connections),
        "outstanding_requests": 0,
        "znode_count": len(engine.tree.nodes),
        "watch_count": sum(map(len, watches.data.by_path.values())) + sum(map(len, watches.children.by_path.values())),
        "ephemerals_count": sum(map(len, engine.tree.ephemerals.values())),
        "approximate_data_size": sum(len(path) + len(node.data or b"") for path, node in engine.tree.nodes.items()),
        "global_sessions": len(engine.sessions.by_id),
        "local_sessions": 0,
        "open_file_descriptor_count": len(os.listdir("/proc/self/fd")),  # noqa: PTH208  # pathlib is not imported here
    }
    return "".join(f"zk_{name}\t{value}\n" for name, value in values.items())


def _conf(engine: Engine, _now: float) -> str:
    values = {
        "clientPort": engine.port,
        "secureClientPort": -1,
        "dataDir": engine.data_dir,
        "dataLogDir": engine.data_dir,
        "tickTime": BUCKET_MS,
        "maxClientCnxns": 0,
        "minSessionTimeout": MIN_TIMEOUT_MS,
        "maxSessionTimeout": MAX_TIMEOUT_MS,
        "serverId": 0,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _cons(engine: Engine, now: float) -> str:
    lines = []
    for connection in engine.connections:
        session = connection.session
        about = ""
        if session is not None:
            about = (
                f",sid=0x{session.id:x},est={round((now - connection.connected_at) * 1000)}"
                f",to={session.timeout_ms},lzxid=0x{engine.zxid:x}"
            )
        lines.append(f" {_brief(connection)}{about})\n")
    return "".join(lines) + "\n"


def _dump(engine: Engine, now: float) -> str:
    buckets = engine.sessions.buckets()
    lines = ["SessionTracker dump:", f"Session Sets ({len(buckets)})/({len(engine.sessions.by_id)}):"]
    for at, sessions in buckets.items():
        lines.append(f"{len(sessions)} expire in {max(0, round((at - now) * 1000))} ms:")
        lines += [f"\t0x{session.id:x}" for session in sessions]
    lines += ["ephemeral nodes dump:", f"Sessions with Ephemerals ({len(engine.tree.ephemerals)}):"]
    for session_id, paths in engine.tree.ephemerals.items():
        lines.append(f"0x{session_id:x}:")
        lines += [f"\t{path}" for path in paths]
    lines += ["Connections dump:", f"Connections Sets (1)/({len(engine.connections)}):"]
    for connection in engine.connections:
        session_id = connection.session.id if connection.session else 0
        lines.append(f"\tip: /{connection.peer}:{connection.port} sessionId: 0x{session_id:x}")
    return "\n".join(lines) + "\n"


def _envi(_engine: Engine, _now: float) -> str:
    uname = os.uname()
    values = {
        "zookeeper.version": _FULL_VERSION,
        "host.name": uname.nodename,
        "python.version": sys.version.split()[0],
        "python.executable": sys.executable,
        "os.name": uname.sysname,
        "os.arch": uname.machine,
        "os.version": uname.release,
        "user.dir": os.getcwd(),  # noqa: PTH109  # pathlib is not imported here
    }
    return "Environment:\n" + "".join(f"{name}={value}\n" for name, value in values.items())


def _wchs(engine: Engine, _now: float) -> str:
    tables = (engine.watches.data, engine.watches.children)
    connections = {connection for table in tables for connection in table.by_connection}
    paths = {path for table in tables for path in table.by_path}
    total = sum(len(watchers) for table in tables for watchers in table.by_path.values())
    return f"{len(connections)} connections watching {len(paths)} paths\nTotal watches:{total}\n\n"


def _wchc(engine: Engine, _now: float) -> str:
    paths: dict[int, dict[str, None]] = {}
    for table in (engine.watches.data, engine.watches.children):
        for connection, watched in table.by_connection.items():
            session_id = connection.session.id if connection.session else 0
            paths.setdefault(session_id, {}).update(watched)
    return "".join(f"0x{number:x}\n" + "".join(f"\t{path}\n" for path in paths[number]) for number in paths) + "\n"


def _wchp(engine: Engine, _now: float) -> str:
    sessions: dict[str, dict[int, None]] = {}
    for table in (engine.watches.data, engine.watches.children):
        for path, watchers in table.by_path.items():
            ids = {connection.session.id if connection.session else 0: None for connection in watchers}
            sessions.setdefault(path, {}).update(ids)
    return "".join(f"{path}\n" + "".join(f"\t0x{number:x}\n" for number in sessions[path]) for path in sessions) + "\n"


def _srst(engine: Engine, _now: float) -> str:
    engine.statistics.reset()
    _reset_connections(engine)
    return "Server stats reset.\n"


def _crst(engine: Engine, _now: float) -> str:
    _reset_connections(engine)
    return "Connection stats reset.\n"


def _reset_connections(engine: Engine) -> None:
    for connection in engine.connections:
        connection.received = connection.sent = 0


def _head() -> str:
    return f"Zookeeper version: {_FULL_VERSION}\n"


def _summary(engine: Engine) -> str:
    statistics = engine.statistics
    return (
        f"Latency min/avg/max: {round(statistics.shortest_ms)}/{statistics.average_ms:.4f}"
        f"/{round(statistics.longest_ms)}\n"
        f"Received: {statistics.received(engine.connections)}\n"
        f"Sent: {statistics.sent(engine.connections)}\n"
        f"Connections: {len(engine.connections)}\n"
        "Outstanding: 0\n"
        f"Zxid: 0x{engine.zxid:x}\n"
        "Mode: standalone\n"
        f"Node count: {len(engine.tree.nodes)}\n"
    )


def _brief(connection: Connection) -> str:
    return (
        f"/{connection.peer}:{connection.port}[{int(connection.session is not None)}]"
        f"(queued=0,recved={connection.received},sent={connection.sent}"
    )


WORDS: Final[dict[bytes, Callable[[Engine, float], str]]] = {
    b"ruok": _ruok,
    b"isro": _isro,
    b"srvr": _srvr,
    b"stat": _stat,
    b"mntr": _mntr,
    b"conf": _conf,
    b"cons": _cons,
    b"dump": _dump,
    b"envi": _envi,
    b"wchs": _wchs,
    b"wchc": _wchc,
    b"wchp": _wchp,
    b"srst": _srst,
    b"crst": _crst,
}
