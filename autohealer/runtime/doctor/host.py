"""The kernel and the limits of this machine."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from autohealer.runtime.doctor.finding import Finding, fault, ok, warning
from autohealer.views.units import size

# An agent holds a pidfd for each worker, and some dozens of descriptors besides.
SPARE_DESCRIPTORS = 64
# What a worker brings with it in threads and children is not known; fewer places than this for each are too few.
TASKS_A_WORKER = 2


def check_host(workers: int, worker_rss: int | None) -> Iterator[Finding]:
    """For so many workers here, each of this size in bytes as far as one was seen."""
    yield from _kernel()
    yield _descriptors(workers)
    yield from _tasks(workers)
    yield _memory(workers, worker_rss)
    yield from _stacks()


def _kernel() -> Iterator[Finding]:
    release = os.uname().release
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (OSError, AttributeError) as error:
        yield fault(
            "kernel",
            f"Linux {release} has no pidfd_open: {error}",
            "use Linux 5.3 or later, outside a sandbox that forbids it",
        )
    else:
        yield ok("kernel", f"Linux {release} has pidfds")
    if not Path("/proc/self/stat").exists():
        yield fault("/proc", "it is not mounted", "mount it: workers are told apart by it")


def _descriptors(workers: int) -> Finding:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = workers + SPARE_DESCRIPTORS
    if hard != resource.RLIM_INFINITY and hard < needed:
        return fault(
            "open files",
            f"the hard limit is {hard:,}, and {workers:,} workers take {needed:,}",
            "raise it (ulimit -Hn, LimitNOFILE= in a systemd unit)",
        )
    limit = "unlimited" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    return ok("open files", f"the hard limit is {limit}, and {workers:,} workers take {needed:,}")


def _tasks(workers: int) -> Iterator[Finding]:
    needed = workers * TASKS_A_WORKER
    places: list[tuple[int, str]] = []
    with suppress(OSError, ValueError):
        places.append((int(Path("/proc/sys/kernel/pid_max").read_text()), "kernel.pid_max"))
    with suppress(OSError, ValueError):
        places.append((int(_own_cgroup_file("pids.max").read_text()), "pids.max of the cgroup"))
    _, processes = resource.getrlimit(resource.RLIMIT_NPROC)
    if processes != resource.RLIM_INFINITY and os.geteuid() != 0:
        places.append((processes, "the limit of processes (ulimit -Hu)"))
    if not places:
        return
    limit, name = min(places)
    if limit < needed:
        yield fault("processes", f"{name} is {limit:,}, too few for {workers:,} workers", f"raise {name}")
    else:
        yield ok("processes", f"the lowest limit is {name}: {limit:,}")


def _memory(workers: int, worker_rss: int | None) -> Finding:
    available = psutil.virtual_memory().available
    with suppress(OSError, ValueError):
        limit = int(_own_cgroup_file("memory.max").read_text())
        used = int(_own_cgroup_file("memory.current").read_text())
        available = min(available, limit - used)
    if worker_rss is None or workers == 0:
        return ok("memory", f"{size(available)} available")
    if available < worker_rss:
        return warning(
            "memory",
            f"{size(available)} available, and a worker takes {size(worker_rss)}",
            "a restart that starts the new worker first has no room: run fewer workers, or add memory",
        )
    return ok("memory", f"{size(available)} available; a worker takes {size(worker_rss)}")


def _stacks() -> Iterator[Finding]:
    """Whether py-spy, where it is installed, may look into workers."""
    with suppress(OSError, ValueError):
        scope = int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text())
        if scope >= 2 and os.geteuid() != 0:
            yield warning(
                "stacks of stuck workers",
                f"kernel.yama.ptrace_scope is {scope}: nobody but root may look",
                "have Python workers call autohealer.worker.debuggable()",
            )


def _own_cgroup_file(name: str) -> Path:
    """A file of this process's cgroup (version 2). Raises OSError where there is none."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return Path("/sys/fs/cgroup") / line[3:].lstrip("/") / name
    raise FileNotFoundError(name)
