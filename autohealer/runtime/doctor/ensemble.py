"""ZooKeeper: reachable, its servers, sessions, clocks, access."""

from __future__ import annotations

from collections.abc import Iterator

from autohealer.coordination.admin.inspection import Inspection, Server
from autohealer.runtime.doctor.finding import Finding, ok, warning
from autohealer.views.units import milliseconds, size

SLOW_S = 0.5
CLOCKS_APART_S = 5.0
# ZooKeeper's own limit of what a client reads in one piece is 1 MiB (jute.maxbuffer).
LIST_LIMIT = 1_000_000


def check_ensemble(found: Inspection, *, has_credentials: bool, is_embedded: bool) -> Iterator[Finding]:
    """Judge what was learnt of it."""
    if not is_embedded:
        yield from _servers(found.servers)
    yield _latency(found.latency_s)
    yield _session(found)
    if found.clock_ahead_s is not None:
        yield _clock(found.clock_ahead_s)
    if not is_embedded:
        yield from _access(found.open_to_world, has_credentials=has_credentials)
    if found.names_bytes > LIST_LIMIT:
        yield warning(
            "registrations",
            f"the names under /workers take {size(found.names_bytes)}",
            "split the pool: some clients read no list beyond 1 MiB",
        )


def _servers(servers: tuple[Server, ...]) -> Iterator[Finding]:
    away = [server.address for server in servers if not server.reachable]
    if away:
        yield warning("ZooKeeper servers", f"{', '.join(away)} cannot be reached", "start it, or leave it out of --zk")
    elif len(servers) < 3:
        yield warning(
            "ZooKeeper servers",
            f"{len(servers)} named in --zk: when {'it is' if len(servers) == 1 else 'one is'} down, nobody leads",
            "run three servers, and name them all in --zk",
        )
    else:
        yield ok("ZooKeeper servers", f"all {len(servers)} can be reached")
    if len(versions := {server.version for server in servers if server.version}) > 1:
        yield warning("ZooKeeper versions", f"they differ: {', '.join(sorted(versions))}", "bring all to the newest")


def _latency(latency_s: float) -> Finding:
    took = milliseconds(latency_s * 1000)
    if latency_s > SLOW_S:
        return warning("ZooKeeper's answers", f"one took {took}", "look at its disk and its garbage collection")
    return ok("ZooKeeper's answers", f"one took {took}")


def _session(found: Inspection) -> Finding:
    if abs(found.granted_s - found.asked_s) > 0.001:
        return warning(
            "session timeout",
            f"{found.asked_s:g} s asked, {found.granted_s:g} s granted",
            "set tickTime, minSessionTimeout and maxSessionTimeout of ZooKeeper to suit --session-timeout",
        )
    return ok("session timeout", f"{found.granted_s:g} s, as asked")


def _clock(ahead_s: float) -> Finding:
    if abs(ahead_s) > CLOCKS_APART_S:
        which = "ahead of" if ahead_s > 0 else "behind"
        return warning(
            "clocks",
            f"this host's is {abs(ahead_s):.0f} s {which} ZooKeeper's: times in events and reports do not fit together",
            "keep both in time, by NTP",
        )
    return ok("clocks", "this host's and ZooKeeper's agree")


def _access(open_to_world: tuple[str, ...], *, has_credentials: bool) -> Iterator[Finding]:
    if not open_to_world:
        yield ok("access", "only those with credentials may change the pool")
    elif not has_credentials:
        yield warning(
            "access",
            "whoever reaches ZooKeeper may change the target and stop the pool",
            "set AUTOHEALER_ZK_AUTH=digest:USER:PASSWORD for all agents, and let nobody else reach ZooKeeper",
        )
    else:
        yield warning(
            "access",
            f"the world may write to {', '.join(open_to_world)}: who may register there can displace workers",
            "let only workers' hosts reach ZooKeeper",
        )
