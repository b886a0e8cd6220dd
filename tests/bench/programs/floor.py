"""floor.py N COMMAND...: what floor.c does, in the least Python that hears of exits through pidfds."""

import os
import selectors
import signal
import sys


def main() -> None:
    """Keep so many processes of the command running until SIGTERM."""
    count, command = int(sys.argv[1]), sys.argv[2:]
    selector = selectors.EpollSelector()
    stopped, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGTERM, lambda _signum, _frame: None)
    selector.register(stopped, selectors.EVENT_READ)

    def start() -> None:
        pid = os.posix_spawn(command[0], command, os.environ)
        selector.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)

    for _ in range(count):
        start()
    while True:
        for key, _ in selector.select():
            if key.fd == stopped:
                for other in list(selector.get_map().values()):
                    if other.data is not None:
                        os.kill(other.data, signal.SIGTERM)
                        os.waitpid(other.data, 0)
                return
            selector.unregister(key.fd)
            os.close(key.fd)
            os.waitpid(key.data, 0)
            start()


main()
