"""Events in words, a line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from autohealer.views.lines import clean
from autohealer.views.units import clock, milliseconds, unix

Fields = Mapping[str, Any]


def event_line(fields: Fields) -> str:
    """An event as a person reads it, with its local time; what else it says on indented lines below."""
    at = unix(fields.get("time"))
    lines = [
        f"{clock(at, at or 0.0)}  {event_words(fields)}",
        *(f"{'':14}| {line.expandtabs(4)}" for line in event_evidence(fields)),
    ]
    return "\n".join(map(clean, lines))


def event_words(fields: Fields) -> str:
    """An event in words, on one line. One that has odd values, as of another version or a damaged disk, as it is."""
    try:
        return _WORDS.get(str(fields.get("event")), _other)(fields)
    except (TypeError, ValueError, AttributeError, LookupError):
        return _other(fields)


def event_evidence(fields: Fields) -> list[str]:
    """What else an event says, such as a worker's last output."""
    output = fields.get("output")
    lines = [str(line) for line in output] if isinstance(output, list) else []
    evidence = fields.get("evidence")
    return [*(evidence.splitlines() if isinstance(evidence, str) else []), *lines]


def _who(fields: Fields) -> str:
    pid = fields.get("pid")
    slot = fields.get("slot")
    return f"worker {fields.get('worker') if slot is None else slot}" + (f" (pid {pid})" if pid is not None else "")


def _how(fields: Fields) -> str:
    if fields.get("signal") is not None:
        return f"by {fields['signal']}"
    return "" if fields.get("code") is None else f"with exit code {fields['code']}"


def _started(fields: Fields) -> str:
    heal_ms, backoff_ms = fields.get("heal_ms"), fields.get("backoff_ms")
    if isinstance(backoff_ms, float | int):
        return f"{_who(fields)} started again after a backoff of {milliseconds(backoff_ms)}"
    return f"{_who(fields)} started" + (f", healed in {heal_ms:.1f} ms" if isinstance(heal_ms, float | int) else "")


def _exited(fields: Fields) -> str:
    verb = "was killed" if fields.get("signal") else "ended"
    return f"{_who(fields)} {verb} {_how(fields)}".rstrip() + f" after {fields.get('uptime', 0):.1f} s"


def _stopped(fields: Fields) -> str:
    return f"{_who(fields)} stopped {_how(fields)}".rstrip()


def _verdict(fields: Fields) -> str:
    return f"{fields.get('cause')}, {fields['detail']}" if fields.get("detail") else str(fields.get("cause"))


def _operation(fields: Fields) -> str:
    subject = f" {fields['subject']}" if fields.get("subject") else ""
    return f"{fields.get('verb')}{subject}, asked for by {fields.get('by')}"


def _rollout(fields: Fields) -> str:
    return f"{fields.get('verb')} to r{fields.get('revision')}"


def _finished(fields: Fields) -> str:
    lacks = f"; {fields['detail']}" if fields.get("detail") else ""
    done = f"{fields.get('exchanged')} of {fields.get('of')} replaced in {fields.get('seconds', 0):.1f} s"
    return f"{_rollout(fields)}: {done}{lacks}"


def _backoff(fields: Fields) -> str:
    reason = f": {fields['reason']}" if fields.get("reason") else ""
    return f"{_who(fields)} waits {fields.get('delay', 0):.1f} s before its next start{reason}"


def _connected(fields: Fields) -> str:
    again = ", the former session goes on" if fields.get("resumed") else ""
    return f"connected to ZooKeeper (session timeout {fields.get('session_timeout', 0):g} s{again})"


def _plan(fields: Fields) -> str:
    shares = fields.get("shares") or {}
    parts = ", ".join(f"{agent}: {share}" for agent, share in shares.items())
    foreign = f", {fields['foreign']} foreign" if fields.get("foreign") else ""
    return f"plan: {fields.get('target')} workers{foreign} ({parts})"


def _target(fields: Fields) -> str:
    former = f" (was {fields['former']})" if fields.get("former") is not None else ""
    if fields.get("asked") is not None:
        former = f", as the pool has it; for {fields['asked']}: autohealer scale {fields['asked']}"
    return f"target: {fields.get('target')} workers{former}"


def _other(fields: Fields) -> str:
    rest = " ".join(f"{name}={value}" for name, value in fields.items() if name not in ("time", "event"))
    return f"{fields.get('event')} {rest}".rstrip()


_WORDS: dict[str, Callable[[Fields], str]] = {
    "worker.started": _started,
    "worker.promoted": lambda f: _started(f).replace(" started", " promoted", 1),
    "worker.ready": lambda f: f"{_who(f)} is ready",
    "worker.unready": lambda f: f"{_who(f)} is not ready: {f.get('detail')}",
    "worker.exited": _exited,
    "worker.stopped": _stopped,
    "worker.faulty": lambda f: f"{_who(f)} is faulty: {_verdict(f)}",
    "worker.held": lambda f: f"{_who(f)} is left running though it is faulty: {_verdict(f)}",
    "worker.done": lambda f: f"{_who(f)} has {'failed' if f.get('failed') else 'ended well'}, and is not started again",
    "pool.below": lambda f: f"only {f.get('running')} of {f.get('share')} workers are ready",
    "pool.recovered": lambda f: f"all {f.get('share')} workers are ready again, after {f.get('seconds', 0):.1f} s",
    "rollout.started": lambda f: f"{_rollout(f)} begins, for {f.get('by')}: {f.get('of')} to be replaced",
    "rollout.step": lambda f: f"{_rollout(f)}: {f.get('detail')} ({f.get('exchanged')} of {f.get('of')})",
    "rollout.finished": _finished,
    "rollout.undone": lambda f: f"{_rollout(f)}: undone, as {f.get('detail')}",
    "config.changed": lambda f: f"{f.get('file')} was read again: {', '.join(map(str, f['pools']))} changed",
    "config.invalid": lambda f: f"{f.get('file')} does not hold, and changes nothing: {f.get('detail')}",
    "operation.done": lambda f: f"{_operation(f)}: {f.get('detail') or 'done'}",
    "operation.refused": lambda f: f"{_operation(f)}: refused, {f.get('detail')}",
    "worker.adopted": lambda f: f"{_who(f)} adopted",
    "worker.backoff": _backoff,
    "agent.joined": lambda f: f"agent {f.get('agent')} joined",
    "agent.left": lambda f: f"agent {f.get('agent')} left",
    "agent.draining": lambda f: f"stopping: {f.get('cause')}",
    "leader.elected": lambda f: f"agent {f.get('leader')} leads (epoch {f.get('epoch')})",
    "leader.lost": lambda f: f"agent {f.get('leader')} leads no more",
    "plan.changed": _plan,
    "target.changed": _target,
    "warning": lambda f: str(f.get("text")),
    "zookeeper.connected": _connected,
    "zookeeper.suspended": lambda _: "ZooKeeper does not answer; workers go on",
    "zookeeper.lost": lambda _: "the ZooKeeper session is lost; workers go on",
}
