"""Events in words, a line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autohealer.core import notices as n
from autohealer.core.notices import EventRecord, fields_of
from autohealer.views.lines import clean
from autohealer.views.units import clock, milliseconds, unix


def event_line(record: EventRecord) -> str:
    """An event as a person reads it, with its local time; what else it says on indented lines below."""
    at = unix(record.time)
    lines = [
        f"{clock(at, at or 0.0)}  {event_words(record)}",
        *(f"{'':14}| {line.expandtabs(4)}" for line in event_evidence(record)),
    ]
    return "\n".join(map(clean, lines))


def event_words(record: EventRecord) -> str:
    """An event in words, on one line. One of another version, or that has odd values, is shown as it stands."""
    if record.notice is None or record.is_odd:
        return _other(record)
    try:
        return _WORDS[type(record.notice)](record.notice)
    except (ValueError, OverflowError):  # numbers beyond all bounds
        return _other(record)


def event_evidence(record: EventRecord) -> list[str]:
    """What else an event says, such as a worker's last output."""
    match record.notice:
        case n.WorkerFaulty(evidence=str(evidence)):
            return evidence.splitlines()
        case n.WorkerBackoff(output=tuple(output)):
            return list(output)
    return []


def _who(notice: n.WorkerNotice) -> str:
    who = notice.worker if notice.slot is None else notice.slot
    return f"worker {who}" + (f" (pid {notice.pid})" if notice.pid is not None else "")


def _how(notice: n.WorkerExited | n.WorkerStopped) -> str:
    if notice.signal is not None:
        return f"by {notice.signal}"
    return "" if notice.code is None else f"with exit code {notice.code}"


def _begun(notice: n.WorkerStarted | n.WorkerPromoted, word: str) -> str:
    if notice.backoff_ms is not None:
        return f"{_who(notice)} {word} again after a backoff of {milliseconds(notice.backoff_ms)}"
    return f"{_who(notice)} {word}" + (f", healed in {notice.heal_ms:.1f} ms" if notice.heal_ms is not None else "")


def _exited(notice: n.WorkerExited) -> str:
    verb = "was killed" if notice.signal else "ended"
    return f"{_who(notice)} {verb} {_how(notice)}".rstrip() + f" after {notice.uptime:.1f} s"


def _verdict(notice: n.WorkerFaulty | n.WorkerHeld) -> str:
    return f"{notice.cause}, {notice.detail}" if notice.detail else notice.cause


def _operation(notice: n.OperationNotice) -> str:
    subject = f" {notice.subject}" if notice.subject else ""
    return f"{notice.verb}{subject}, asked for by {notice.by}"


def _rollout(notice: n.RolloutNotice) -> str:
    return f"{notice.verb} to r{notice.revision}"


def _finished(notice: n.RolloutFinished) -> str:
    lacks = f"; {notice.detail}" if notice.detail else ""
    return f"{_rollout(notice)}: {notice.exchanged} of {notice.of} replaced in {notice.seconds:.1f} s{lacks}"


def _backoff(notice: n.WorkerBackoff) -> str:
    reason = f": {notice.reason}" if notice.reason else ""
    return f"{_who(notice)} waits {notice.delay:.1f} s before its next start{reason}"


def _connected(notice: n.ZooKeeperConnected) -> str:
    again = ", the former session goes on" if notice.resumed else ""
    return f"connected to ZooKeeper (session timeout {notice.session_timeout:g} s{again})"


def _plan(notice: n.PlanChanged) -> str:
    parts = ", ".join(f"{agent}: {share}" for agent, share in notice.shares.items())
    foreign = f", {notice.foreign} foreign" if notice.foreign else ""
    return f"plan: {notice.target} workers{foreign} ({parts})"


def _target(notice: n.TargetChanged) -> str:
    former = f" (was {notice.former})" if notice.former is not None else ""
    if notice.asked is not None:
        former = f", as the pool has it; for {notice.asked}: autohealer scale {notice.asked}"
    return f"target: {notice.target} workers{former}"


def _other(record: EventRecord) -> str:
    rest = " ".join(f"{name}={value}" for name, value in fields_of(record).items() if name not in ("time", "event"))
    return f"{record.event or 'nameless'} {rest}".rstrip()


_WORDS: dict[type[n.Notice], Callable[[Any], str]] = {
    n.WorkerStarted: lambda f: _begun(f, "started"),
    n.WorkerPromoted: lambda f: _begun(f, "promoted"),
    n.WorkerReady: lambda f: f"{_who(f)} is ready",
    n.WorkerUnready: lambda f: f"{_who(f)} is not ready: {f.detail}",
    n.WorkerExited: _exited,
    n.WorkerStopped: lambda f: f"{_who(f)} stopped {_how(f)}".rstrip(),
    n.WorkerFaulty: lambda f: f"{_who(f)} is faulty: {_verdict(f)}",
    n.WorkerHeld: lambda f: f"{_who(f)} is left running though it is faulty: {_verdict(f)}",
    n.WorkerDone: lambda f: f"{_who(f)} has {'failed' if f.failed else 'ended well'}, and is not started again",
    n.PoolBelow: lambda f: f"only {f.running} of {f.share} workers are ready",
    n.PoolRecovered: lambda f: f"all {f.share} workers are ready again, after {f.seconds:.1f} s",
    n.RolloutStarted: lambda f: f"{_rollout(f)} begins, for {f.by}: {f.of} to be replaced",
    n.RolloutStep: lambda f: f"{_rollout(f)}: {f.detail} ({f.exchanged} of {f.of})",
    n.RolloutFinished: _finished,
    n.RolloutUndone: lambda f: f"{_rollout(f)}: undone, as {f.detail}",
    n.ConfigChanged: lambda f: f"{f.file} was read again: {', '.join(f.pools)} changed",
    n.ConfigInvalid: lambda f: f"{f.file} does not hold, and changes nothing: {f.detail}",
    n.OperationDone: lambda f: f"{_operation(f)}: {f.detail or 'done'}",
    n.OperationRefused: lambda f: f"{_operation(f)}: refused, {f.detail}",
    n.WorkerAdopted: lambda f: f"{_who(f)} adopted",
    n.WorkerBackoff: _backoff,
    n.AgentJoined: lambda f: f"agent {f.agent} joined",
    n.AgentLeft: lambda f: f"agent {f.agent} left",
    n.AgentDraining: lambda f: f"stopping: {f.cause}",
    n.LeaderElected: lambda f: f"agent {f.leader} leads (epoch {f.epoch})",
    n.LeaderLost: lambda f: f"agent {f.leader} leads no more",
    n.PlanChanged: _plan,
    n.TargetChanged: _target,
    n.Warned: lambda f: str(f.text),
    n.ZooKeeperConnected: _connected,
    n.ZooKeeperSuspended: lambda _: "ZooKeeper does not answer; workers go on",
    n.ZooKeeperLost: lambda _: "the ZooKeeper session is lost; workers go on",
}
