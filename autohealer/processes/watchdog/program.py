"""The watchdog's program: ends processes when the authority to run them has passed. ``watchdog`` starts it.

It stays while its owner is killed or frozen, so it has nothing to do with the owner but a socket. Lines come in:

    until STOP KILL   send the stop signal at STOP, SIGKILL from KILL on (seconds of CLOCK_BOOTTIME, which a
                      suspended machine does not stop)
    add PID START     this process is one of ours, whatever becomes of its environment
    remove PID        it is gone
    release           nothing is guarded any more

and single bytes go out (see the constants below). The end of the stream means that the owner is dead; then what it
left is ended when its authority passes, and the watchdog goes.

Ours is a process that belongs to a user whom workers run as and whose environment bears the marker, one in a session or
process group that such a one leads, and their descendants. Nothing else is ever signalled.

It is run with ``-I -S`` and imports almost nothing: it starts in a few milliseconds, has 3 MiB of its own, and has
nothing in common with the package that a broken installation could take away. Hence ``_signal``, too: ``signal`` would
be another third of both.
"""

import _signal  # type: ignore[import-not-found]  # typeshed has only signal
import os
import select
import sys
import time

READY = b"r"
TAKEN = b"."
CLEAR = b"c"

SOCKET = 3
SHORTEST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.25
# poll() counts no time in which the machine is suspended: how late the end of one may be noticed.
LONGEST_WAIT_S = 1.0
NEVER = float("inf")
NO_DESCRIPTOR = (23, 24)  # ENFILE, EMFILE: errno would be another module

Processes = dict[int, "ProcessFacts"]


class ProcessFacts:
    """What tells one process from another, and its family."""

    __slots__ = ("group", "is_gone", "parent", "session", "start")

    def __init__(self, text: bytes) -> None:
        # The program's name, in parentheses, may itself hold some.
        fields = text.rpartition(b")")[2].split(None, 20)
        self.is_gone = fields[0] in b"ZXx"
        self.parent, self.group, self.session = int(fields[1]), int(fields[2]), int(fields[3])
        self.start = int(fields[19])


def now() -> float:
    """Seconds since the machine's start, those in which it was suspended among them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read(path: str) -> bytes:
    """A file of /proc; empty if it has vanished or is somebody else's. Raises OSError for want of descriptors."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError as error:
        if error.errno in NO_DESCRIPTOR:
            raise
        return b""


def read_stat(pid: int) -> ProcessFacts | None:
    """The process of this number, if it lives."""
    text = read(f"/proc/{pid}/stat")
    stat = ProcessFacts(text) if text else None
    return None if stat is None or stat.is_gone else stat


class OwnProcesses:
    """Tells which processes are ours."""

    def __init__(self, marker: list[str], users: frozenset[int]) -> None:
        self._users = users
        self._marker = [b"\0" + os.fsencode(variable) + b"\0" for variable in marker]
        self._added: dict[int, int] = {}
        self._seen: dict[int, int] = {}

    def add(self, pid: int, start: int) -> None:
        """Remember a process by its start, in case it overwrites its environment or is gone already."""
        self._added[pid] = start

    def remove(self, pid: int) -> None:
        """Its number may be another's from now on."""
        self._added.pop(pid, None)

    def forget(self) -> None:
        """What was found is no longer of use: numbers are given away again."""
        self._seen.clear()

    def look(self, spared: tuple[int, ...]) -> Processes:
        """All of ours that live. What was found stays ours when those are gone by whom it was found."""
        stats = {}
        for name in os.listdir("/proc"):
            if name.isdigit() and (stat := read_stat(int(name))) is not None:
                stats[int(name)] = stat
        for pid in spared:
            stats.pop(pid, None)
        # A number stays a session's while one is in it: of a leader that has gone, the members are still ours.
        known = {**self._seen, **self._added}
        leaders = {pid for pid, start in known.items() if pid not in stats or stats[pid].start == start}
        leaders.update(pid for pid in stats if pid not in leaders and self._is_marked(pid))
        ours = {pid: stat for pid, stat in stats.items() if not leaders.isdisjoint((pid, stat.session, stat.group))}
        children: dict[int, list[int]] = {}
        for pid, stat in stats.items():
            children.setdefault(stat.parent, []).append(pid)
        waiting = list(ours)
        while waiting:
            for pid in children.get(waiting.pop(), ()):
                if pid not in ours:
                    ours[pid] = stats[pid]
                    waiting.append(pid)
        self._seen.update((pid, stat.start) for pid, stat in ours.items())
        return ours

    def _is_marked(self, pid: int) -> bool:
        environ = b"\0" + read(f"/proc/{pid}/environ")
        return all(variable in environ for variable in self._marker) and self._is_of_users(pid)

    def _is_of_users(self, pid: int) -> bool:
        """Anybody can write an environment."""
        words = read(f"/proc/{pid}/status").partition(b"\nUid:")[2].split(None, 1)
        return bool(words) and int(words[0]) in self._users


def send_signal(pid: int, stat: ProcessFacts, signum: int) -> bool:
    """Signal this very process; False if we may not. A pidfd cannot come to mean another one meanwhile."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:
        return True  # it has ended, or we are out of descriptors: the next look tells
    try:
        again = read_stat(pid)
        if again is not None and again.start == stat.start:
            _signal.pidfd_send_signal(pidfd, signum)
            if signum != _signal.SIGKILL:
                _signal.pidfd_send_signal(pidfd, _signal.SIGCONT)  # or one that is stopped would not hear of it
    except PermissionError:
        return False
    except OSError:
        pass  # it has ended, or we are out of descriptors
    finally:
        os.close(pidfd)
    return True


class WatchdogProgram:
    """Until when, and what is done then."""

    def __init__(self, stop_signal: int, users: frozenset[int], marker: list[str]) -> None:
        self._stop_signal = stop_signal
        self._family = OwnProcesses(marker, users)
        self._owner = os.getppid()
        self._orders = b""
        self._stop_at = self._kill_at = NEVER
        self._asked: set[tuple[int, int]] = set()
        self._hopeless: set[tuple[int, int]] = set()
        self._empty_looks = 0
        self.owned = self.needed = True

    def wait_s(self) -> float:
        """How long nothing is to be done, if no order comes."""
        return max(0.0, min(self._stop_at - now(), LONGEST_WAIT_S))

    def hear(self) -> None:
        """Take in what the owner has said."""
        try:
            said = os.read(SOCKET, 1 << 16)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            os.close(SOCKET)
            self.owned = False
            # Without an order there was never an authority to start anything.
            self.needed = self._stop_at != NEVER
        *lines, self._orders = (self._orders + said).split(b"\n")
        for line in lines:
            self._obey(*line.split())

    def _obey(self, verb: bytes, *numbers: bytes) -> None:
        if verb == b"until":
            self._stop_at, self._kill_at = float(numbers[0]), float(numbers[1])
            if now() < self._stop_at:
                self._empty_looks = 0
                self._asked.clear()
                self._family.forget()
            else:
                # One more look answers this order; were it two anew, orders in quick succession would put it off.
                self._empty_looks = min(self._empty_looks, 1)
            say(TAKEN)
        elif verb == b"add":
            self._family.add(int(numbers[0]), int(numbers[1]))
        elif verb == b"remove":
            self._family.remove(int(numbers[0]))
        else:
            self.needed = False

    def act(self) -> float:
        """End what there is, as far as the time has come; how long to wait for the next look."""
        began = now()
        if began < self._stop_at:
            return self.wait_s()
        try:
            ours = self._family.look((os.getpid(), self._owner) if self.owned else (os.getpid(),))
        except OSError:  # for want of descriptors: nothing is known, least of all that nothing is left
            return SHORTEST_PAUSE_S
        ours = {pid: stat for pid, stat in ours.items() if (pid, stat.start) not in self._hopeless}
        if now() >= self._kill_at:
            self._signal(ours, _signal.SIGKILL)
        else:
            # Whoever has a parent among them is that one's business, as long as it lives.
            roots = {pid: stat for pid, stat in ours.items() if stat.parent not in ours}
            fresh = {pid: stat for pid, stat in roots.items() if (pid, stat.start) not in self._asked}
            self._asked.update((pid, stat.start) for pid, stat in fresh.items())
            self._signal(fresh, self._stop_signal)
        self._empty_looks = 0 if ours else self._empty_looks + 1
        # A process may be born behind a look that is under way; not so behind two.
        if self._empty_looks == 2:
            self._family.forget()
            say(CLEAR)
            self.needed = self.owned
        if self._empty_looks > 2:
            return LONGEST_PAUSE_S  # the owner may have been frozen in the act of starting one more
        pause = min(max(SHORTEST_PAUSE_S, 4 * (now() - began)), LONGEST_PAUSE_S)
        return max(0.0, min(pause, self._kill_at - now())) if began < self._kill_at else pause

    def _signal(self, ours: Processes, signum: int) -> None:
        for pid, stat in ours.items():
            if not send_signal(pid, stat, signum):
                self._hopeless.add((pid, stat.start))


def say(what: bytes) -> None:
    """Tell the owner, if it still listens."""
    try:
        os.write(SOCKET, what)
    except OSError:
        return  # it is dead or frozen


def main() -> None:
    """Watch until released, or until nothing is left of what a dead owner started."""
    os.closerange(SOCKET + 1, 1 << 30)
    os.chdir("/")
    os.set_blocking(SOCKET, False)
    for signum in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGPIPE):
        _signal.signal(signum, _signal.SIG_IGN)
    stop_signal, *users = map(int, sys.argv[1].split(","))
    program = WatchdogProgram(stop_signal, frozenset(users), sys.argv[2:])
    say(READY)
    orders = select.poll()
    orders.register(SOCKET, select.POLLIN)
    pause = program.wait_s()
    while program.needed:
        if program.owned and orders.poll(pause * 1000):
            program.hear()
        elif not program.owned:
            time.sleep(pause)
        pause = program.act() if program.needed else 0.0


if __name__ == "__main__":
    main()
