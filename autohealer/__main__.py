"""Where the command line begins, as ``autohealer`` and as ``python -m autohealer``.

What is imported takes a moment. Until then a Ctrl-C ends the process as the kernel does it, without a traceback; from
then on it is an exception, which `autohealer.cli` turns into an exit code.
"""

import gc
import signal
import sys


def main() -> None:
    """Run the command that was typed."""
    by_python = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if by_python:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # all that imports make stays: to look for garbage in it is lost time; `Command` ends this
    from autohealer.cli import main as run  # noqa: PLC0415 - after that

    if by_python:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
