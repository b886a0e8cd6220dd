"""The command line of the flaky worker."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from flaky_worker.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXAMPLE = """\
Example: ten workers, of which most raise an exception and every fifth hangs, after 10 s on average

    autohealer run 10 -- python flaky_worker.py --fault exception=4,hang=1 --seed 7

"""

FAULTS = """\
faults:
  exception      raises an exception, as a bug does: exit code 1, and a session that nobody closed (the default)
  exit           exits with --exit-code
  segfault       reads address 0: killed by SIGSEGV
  leak           grows by --leak-mib within seconds, then is killed by SIGKILL, as if out of memory
  hang           stops itself (SIGSTOP), its ZooKeeper session with it; goes on if it is sent SIGCONT
  stuck          sleeps for ever: no work, deaf to SIGTERM; its ZooKeeper session lives on
  spin           the same, with a processor kept busy
  lost-session   gives its ZooKeeper session up and works on, unregistered
  deaf           works on, and ignores SIGTERM from then on
  errors         works on, and answers HTTP on $PORT with 500          (--probe-http)
  no-beat        works on, and does not say so                         (--beat-timeout)
  no-progress    works on, says so, and finishes nothing               (--progress-timeout)
  long-task      works on one task for ever                            (--task-timeout)
  silent         waits for ever, without a word                        (--silence-timeout)
  bloat          grows by --leak-mib, and works on                     (--max-rss, --kill-rss)
  clean-exit     ends with exit code 0                                 (--restart)
  slow-start     does not begin, nor register, for --start-delay on average
  never-ready    works, and never says that it is ready                (--ready notify)
  none           never fails

After hang, lost-session, deaf, errors, no-beat, no-progress and bloat the worker lives on, and the next fault comes
after --mean-life again.

With $PORT it answers HTTP there: /metrics has flaky_work_done_total, any other path says that it is well.

registration:
  Started by an agent it registers as $AUTOHEALER_WORKERS/$AUTOHEALER_WORKER_ID, else as /workers/worker_NUMBER;
  always ephemeral, and anew with each new session. While ZooKeeper is away it works on, and keeps trying.

signals:
  SIGTERM and SIGINT: closes its session and exits with 0.
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked of this worker."""

    weights: Mapping[Fault, float]
    seed: str
    slot: str
    mean_life_s: float
    start_delay_s: float
    exit_code: int
    leak_mib: int
    work_every_s: float
    zk: str
    session_timeout_s: float
    anonymous: bool


class _Parser(argparse.ArgumentParser):
    def format_help(self) -> str:
        return EXAMPLE + super().format_help()

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see --help\n")


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        # To ask the terminal for its width would import shutil: 5 ms at each start, wanted or not.
        super().__init__(prog, max_help_position=28, width=110)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """The options in ``arguments``; those for chaos may stand in the environment too."""
    parser = _Parser(
        prog="flaky_worker",
        description="A worker that registers in ZooKeeper, works, and fails at random.",
        epilog=FAULTS,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--fault",
        metavar="KIND[=WEIGHT],...",
        type=weights_from,
        default=environment.get("FLAKY_FAULT", Fault.EXCEPTION),
        help="how it fails, one or several of the faults below (exception; $FLAKY_FAULT)",
    )
    add(
        "--mean-life",
        metavar="SECONDS",
        type=_positive,
        default=environment.get("FLAKY_MEAN_LIFE", "10"),
        help="how long it lives on average; the times are exponential (10; $FLAKY_MEAN_LIFE)",
    )
    add(
        "--seed",
        default=environment.get("FLAKY_SEED"),
        help="the same seed and slot give the same life, each time (random; $FLAKY_SEED)",
    )
    add("--exit-code", metavar="N", type=int, default=3, help="of the fault exit (3)")
    add("--leak-mib", metavar="N", type=int, default=64, help="how far the fault leak grows (64)")
    add("--start-delay", metavar="SECONDS", type=_positive, default=5.0, help="of slow-start, on average (5)")
    add("--work-every", metavar="SECONDS", type=_positive, default=1.0, help="a line of output each time (1)")
    add(
        "--zk",
        metavar="HOSTS[/CHROOT]",
        default=environment.get("AUTOHEALER_ZK", "localhost:2181"),
        help="ZooKeeper (localhost:2181; $AUTOHEALER_ZK)",
    )
    add("--session-timeout", metavar="SECONDS", type=_positive, default=4.0, help="of the session (4)")
    add("--anonymous", action="store_true", help="register as /workers/worker_NUMBER under an agent too")
    given = parser.parse_args(arguments)
    return Options(
        weights=given.fault,
        seed=given.seed if given.seed is not None else os.urandom(8).hex(),
        slot=environment.get("AUTOHEALER_SLOT", ""),
        mean_life_s=given.mean_life,
        start_delay_s=given.start_delay,
        exit_code=given.exit_code,
        leak_mib=given.leak_mib,
        work_every_s=given.work_every,
        zk=given.zk,
        session_timeout_s=given.session_timeout,
        anonymous=given.anonymous,
    )


def weights_from(text: str) -> dict[Fault, float]:
    """``"exception=4,hang"`` -> ``{EXCEPTION: 4.0, HANG: 1.0}``; ``"none"`` -> nothing."""
    if text == "none":
        return {}
    weights: dict[Fault, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().partition("=")
        try:
            fault = Fault(name)
        except ValueError:
            raise argparse.ArgumentTypeError(f"no such fault: {name!r}") from None
        weights[fault] = _positive(weight or "1")
    return weights


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a number: {text!r}") from None
    if not 0 < value < float("inf"):  # nor is nan
        raise argparse.ArgumentTypeError(f"not above 0: {text}")
    return value
