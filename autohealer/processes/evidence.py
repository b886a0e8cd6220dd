"""What a process that does not do its job is doing instead: taken before it is ended."""

from __future__ import annotations

from autohealer.processes.tree import procfs

_STACK_DEPTH = 6


def take_evidence(pid: int) -> str:
    """One short text: state, where in the kernel it waits, threads and memory. Reads /proc only, so it never waits.

    For a process that is gone, or hides, the text says so.
    """
    status = procfs.status_fields(pid)
    if not status:
        return "the process is gone"
    parts = [f"state {status.get('State', '?')}"]
    channel = (procfs.read_file(f"/proc/{pid}/wchan", 256) or b"").decode(errors="replace").strip()
    if channel and channel != "0":
        parts.append(f"waits in {channel}")
    if stack := _kernel_stack(pid):
        parts.append(f"kernel stack {stack}")
    parts.append(f"{status.get('Threads', '?')} threads")
    resident = status.get("VmRSS", "").split()
    if resident and resident[0].isdigit():
        parts.append(f"{int(resident[0]) / 1024:.1f} MiB resident")
    return ", ".join(parts)


def _kernel_stack(pid: int) -> str:
    """The innermost functions, as in ``do_nanosleep < hrtimer_nanosleep``; only root may see them."""
    text = (procfs.read_file(f"/proc/{pid}/stack") or b"").decode(errors="replace")
    frames = [line.partition("] ")[2].partition("+")[0] for line in text.splitlines()]
    return " < ".join([frame for frame in frames if frame][:_STACK_DEPTH])
