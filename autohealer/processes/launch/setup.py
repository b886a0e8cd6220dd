"""What the agent's own process needs before it starts workers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import signal

from autohealer.errors import AutohealerError

_PR_SET_CHILD_SUBREAPER = 36
_TERMINATION = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
_OWN_FILES = 64
"""More than an agent opens for itself."""


def check_kernel() -> None:
    """See that the kernel, and what confines this process, has what an agent cannot do without.

    Raises AutohealerError before anything is started, rather than a loop that starts workers and kills them.
    """
    if not os.path.exists("/proc/self/stat"):
        raise AutohealerError(
            "there is no /proc, where an agent finds its workers", "mount it: mount -t proc proc /proc"
        )
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (OSError, AttributeError) as error:
        why = getattr(error, "strerror", None) or "this Python has none"
        raise AutohealerError(
            f"pidfd_open does not work here: {why}",
            "an agent needs Linux 5.4 or later, and in a container a seccomp profile that allows it",
        ) from error


def become_subreaper() -> bool:
    """Let the orphans among our descendants become our children; False where that cannot be had.

    Without it they go to init, and a look at our own children does not find them: whoever searches for a
    worker's orphans has to walk the whole of /proc then.
    """
    import ctypes  # noqa: PLC0415  (a megabyte, for one call)

    try:
        libc = ctypes.CDLL(None, use_errno=True)
        return int(libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)) == 0
    except (OSError, AttributeError):
        return False


def set_cloexec() -> None:
    """Keep from workers what the agent inherited itself, such as a pipe whose reader waits for its end.

    What Python opens is close-on-exec already; what our own parent left open is not. Standard input,
    output and error are left alone.
    """
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd > 2:
            with contextlib.suppress(OSError):  # the descriptor of the listing itself
                os.set_inheritable(fd, False)


def reset_sigchld() -> None:
    """Undo an ignored SIGCHLD, as some parents leave behind.

    With it the kernel reaps our children by itself: their exit status is lost, and their pids are free for
    others before we have heard of the exit. Call it in the main thread.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def block_termination_signals() -> None:
    """Let no polite signal change how we end any more: all is done, but for the interpreter's own end.

    A loop that closes gives signals back to the kernel, for which each of them is a death. Call it in the main
    thread, when no other is left.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _TERMINATION)


def unblock_termination_signals() -> None:
    """Undo that: the agent has ended, and this process goes on to something else."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERMINATION)


def make_room_for_files(workers: int) -> None:
    """Have the kernel enlarge our table of open files for so many workers, each of which takes one.

    Call it while there is one thread: as soon as there are two, the kernel waits for all processors each time it
    doubles the table, which is 10 to 20 ms of a start. The table stays large when the file with the high number is
    closed. Where so many files may not be opened, the start takes as long as it takes.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        os.close(fcntl.fcntl(null, fcntl.F_DUPFD_CLOEXEC, workers + _OWN_FILES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    os.close(null)


def raise_descriptor_limit() -> tuple[int, int]:
    """Allow ourselves as many descriptors as we may have, since each worker takes one.

    Returns the (soft, hard) limits that were in force: `Spawner` gives them to the workers, as a program that
    uses select() breaks beyond 1024.
    """
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    return before
