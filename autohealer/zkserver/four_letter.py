"""The four-letter words: what an operator types into netcat, in ZooKeeper's own format."""

from __future__ import annotations

import os
import resource
import sys
import time
from typing import TYPE_CHECKING, Final

from autohealer.zkserver import protocol
from autohealer.zkserver.protocol import VERSION
from autohealer.zkserver.sessions import BUCKET_MS, HANDSHAKE_MS, MAX_TIMEOUT_MS, MIN_TIMEOUT_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from autohealer.zkserver.connection import Connection
    from autohealer.zkserver.engine import Engine

_FULL_VERSION: Final = f"{VERSION}-autohealer, built on 01/01/1970 00:00 UTC"


#: What `cons` calls the last operation of a connection.
_OPERATIONS: Final = {
    protocol.ADD_WATCH: "ADDW",
    protocol.CHECK: "CHEC",
    protocol.CHECK_WATCHES: "CHKW",
    protocol.CREATE: "CREA",
    protocol.CREATE2: "CREA",
    protocol.CREATE_CONTAINER: "CREA",
    protocol.CREATE_SESSION: "SESS",
    protocol.CREATE_TTL: "CREA",
    protocol.DELETE: "DELE",
    protocol.EXISTS: "EXIS",
    protocol.GET_ACL: "GETA",
    protocol.GET_ALL_CHILDREN_NUMBER: "GETACN",
    protocol.GET_CHILDREN: "GETC",
    protocol.GET_CHILDREN2: "GETC",
    protocol.GET_DATA: "GETD",
    protocol.GET_EPHEMERALS: "GETE",
    protocol.MULTI: "MULT",
    protocol.MULTI_READ: "MLTR",
    protocol.PING: "PING",
    protocol.REMOVE_WATCHES: "REMW",
    protocol.SET_ACL: "SETA",
    protocol.SET_DATA: "SETD",
    protocol.SET_WATCHES: "SETW",
    protocol.SET_WATCHES2: "STW2",
    protocol.SYNC: "SYNC",
    protocol.WHO_AM_I: "HOMI",
}


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
        "avg_latency": statistics.latency.average_ms,
        "max_latency": round(statistics.latency.longest_ms),
        "min_latency": round(statistics.latency.shortest_ms),
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
        "connection_rejected": statistics.rejected,
        "open_file_descriptor_count": len(os.listdir("/proc/self/fd")),  # pathlib is not imported here
        "max_file_descriptor_count": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    }
    return "".join(f"zk_{name}\t{_decimal(value)}\n" for name, value in values.items())


def _conf(engine: Engine, _now: float) -> str:
    values = {
        "clientPort": engine.place.port,
        "secureClientPort": -1,
        "dataDir": engine.place.data_dir,
        "dataDirSize": engine.place.journal_size(),
        "dataLogDir": engine.place.data_dir,
        "dataLogSize": engine.place.journal_size(),
        "tickTime": BUCKET_MS,
        "maxClientCnxns": 0,
        "minSessionTimeout": MIN_TIMEOUT_MS,
        "maxSessionTimeout": MAX_TIMEOUT_MS,
        "clientPortListenBacklog": -1,
        "serverId": 0,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _dirs(engine: Engine, _now: float) -> str:
    return f"datadir_size: {engine.place.journal_size()}\nlogdir_size: {engine.place.journal_size()}\n"


def _cons(engine: Engine, _now: float) -> str:
    return "".join(f" {_brief(connection)}{_details(connection)})\n" for connection in engine.connections) + "\n"


def _details(connection: Connection) -> str:
    session = connection.session
    if session is None:
        return ""
    latency = connection.latency
    # "l" stands for "last": what was asked, its xid, the zxid and the moment of its reply
    values = {
        "sid": f"0x{session.id:x}",
        "lop": _OPERATIONS.get(connection.last_operation, "NA"),
        "est": connection.connected_wall_ms,
        "to": session.timeout_ms,
        "lcxid": f"0x{connection.last_xid & 0xFFFFFFFFFFFFFFFF:x}" if connection.last_zxid != -1 else None,
        "lzxid": f"0x{connection.last_zxid & 0xFFFFFFFFFFFFFFFF:x}",
        "lresp": round(connection.last_reply_at * 1000),
        "llat": round(latency.last_ms),
        "minlat": round(latency.shortest_ms),
        "avglat": round(latency.average_ms),
        "maxlat": round(latency.longest_ms),
    }
    return "".join(f",{name}={value}" for name, value in values.items() if value is not None)


def _dump(engine: Engine, now: float) -> str:
    buckets = engine.sessions.buckets()
    lines = ["SessionTracker dump:", f"Session Sets ({len(buckets)})/({len(engine.sessions.by_id)}):"]
    for at, sessions in buckets.items():
        lines.append(f"{len(sessions)} expire at {_date(at - now)}:")
        lines += [f"\t0x{session.id:x}" for session in sessions]
    lines += ["ephemeral nodes dump:", f"Sessions with Ephemerals ({len(engine.tree.ephemerals)}):"]
    for session_id, paths in engine.tree.ephemerals.items():
        lines.append(f"0x{session_id:x}:")
        lines += [f"\t{path}" for path in paths]
    sets = _connections_by_end(engine)
    lines += ["Connections dump:", f"Connections Sets ({len(sets)})/({len(engine.connections)}):"]
    for bucket, connections in sorted(sets.items()):
        lines.append(f"{len(connections)} expire at {_date(bucket * BUCKET_MS / 1000 - now)}:")
        for connection in connections:
            session_id = connection.session.id if connection.session else 0
            lines.append(f"\tip: /{connection.peer}:{connection.port} sessionId: 0x{session_id:x}")
    return "\n".join(lines) + "\n"


def _connections_by_end(engine: Engine) -> dict[int, list[Connection]]:
    """The connections by the bucket in which each is closed if nothing more is heard of it."""
    sets: dict[int, list[Connection]] = {}
    for connection in engine.connections:
        session = connection.session
        heard_at, patience_ms = (
            (connection.connected_at, HANDSHAKE_MS) if session is None else (session.heard_at, session.timeout_ms)
        )
        sets.setdefault((int(heard_at * 1000) + patience_ms) // BUCKET_MS + 1, []).append(connection)
    return sets


def _date(seconds_ahead: float) -> str:
    return time.strftime("%a %b %d %H:%M:%S %Z %Y", time.localtime(time.time() + seconds_ahead))


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
        "user.dir": os.getcwd(),  # pathlib is not imported here
    }
    return "Environment:\n" + "".join(f"{name}={value}\n" for name, value in values.items())


def _wchs(engine: Engine, _now: float) -> str:
    # these three words tell of the watches of data alone, as the real server's do
    table = engine.watches.data
    total = sum(map(len, table.by_path.values()))
    return f"{len(table.by_connection)} connections watching {len(table.by_path)} paths\nTotal watches:{total}\n"


def _wchc(engine: Engine, _now: float) -> str:
    watched = engine.watches.data.by_connection
    return "".join(_group(_session_id(connection), paths) for connection, paths in watched.items()) + "\n"


def _wchp(engine: Engine, _now: float) -> str:
    watchers = engine.watches.data.by_path
    return "".join(_group(path, map(_session_id, connections)) for path, connections in watchers.items()) + "\n"


def _group(head: str, members: Iterable[str]) -> str:
    return f"{head}\n" + "".join(f"\t{member}\n" for member in members)


def _session_id(connection: Connection) -> str:
    return f"0x{connection.session.id if connection.session else 0:x}"


def _decimal(value: object) -> object:
    """Four places behind the point at most, and one at least, as the real server writes them."""
    return round(value, 4) if isinstance(value, float) else value


def _srst(engine: Engine, _now: float) -> str:
    engine.statistics.reset(engine.connections)
    return "Server stats reset.\n"


def _crst(engine: Engine, _now: float) -> str:
    for connection in engine.connections:
        engine.statistics.forget(connection)
        connection.reset_statistics()
    return "Connection stats reset.\n"


def _head() -> str:
    return f"Zookeeper version: {_FULL_VERSION}\n"


def _summary(engine: Engine) -> str:
    statistics, latency = engine.statistics, engine.statistics.latency
    return (
        f"Latency min/avg/max: {round(latency.shortest_ms)}"
        f"/{_decimal(latency.average_ms)}/{round(latency.longest_ms)}\n"
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
    b"dirs": _dirs,
    b"cons": _cons,
    b"dump": _dump,
    b"envi": _envi,
    b"wchs": _wchs,
    b"wchc": _wchc,
    b"wchp": _wchp,
    b"srst": _srst,
    b"crst": _crst,
}
