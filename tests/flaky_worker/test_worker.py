"""Each fault as the outside sees it: a real process and its real session."""

from __future__ import annotations

import signal

import psutil
import pytest

from tests.flaky_worker.conftest import NOT_AT_ONCE, WorkerBench
from tests.support.processes import eventually

MIB = 1024 * 1024


def test_a_steady_worker_works(bench: WorkerBench) -> None:
    """A line now and then, for as long as nobody ends it."""
    process = bench.start("--work-every", "0.05")
    bench.until_said("working: up", times=5)

    assert process.poll() is None


def test_exception(bench: WorkerBench) -> None:
    """A traceback, exit code 1, and a registration that only the end of the session removes."""
    process = bench.fail("exception", *NOT_AT_ONCE)
    bench.until_said("registered: ")

    assert process.wait(timeout=30) == 1
    assert "FlakyError: a bug, on purpose" in bench.processes.read()
    bench.until_gone()


def test_exit(bench: WorkerBench) -> None:
    """The exit code that was asked for."""
    assert bench.fail("exit", "--exit-code", "7").wait(timeout=30) == 7


def test_segfault(bench: WorkerBench) -> None:
    """A real one."""
    assert bench.fail("segfault").wait(timeout=30) == -signal.SIGSEGV


def test_leak(bench: WorkerBench) -> None:
    """It grows for all to see, then is killed as the kernel would."""
    process = bench.fail("leak", "--leak-mib", "128")
    growing = psutil.Process(process.pid)
    eventually(lambda: growing.memory_info().rss > 80 * MIB, what="a worker that has grown")

    assert process.wait(timeout=30) == -signal.SIGKILL


def test_leak_can_be_ended(bench: WorkerBench) -> None:
    """A worker that leaks is still a worker."""
    process = bench.fail("leak", "--leak-mib", "1000000")
    bench.until_said("fault: leak")
    process.terminate()

    assert process.wait(timeout=30) == 0


def test_hang(bench: WorkerBench) -> None:
    """Stopped, its session gone with it; resumed, it registers anew."""
    process = bench.fail("hang", *NOT_AT_ONCE)
    bench.until_registered()
    eventually(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, what="a stopped worker")
    bench.until_gone()
    process.send_signal(signal.SIGCONT)

    bench.until_registered()


@pytest.mark.parametrize("fault", ["stuck", "spin"])
def test_stuck_and_spin(bench: WorkerBench, fault: str) -> None:
    """SIGTERM waits in vain, and the session lives on: nothing but a probe can tell."""
    process = bench.fail(fault, "--work-every", "0.01")
    bench.until_said(f"fault: {fault}")
    before = bench.until_registered()
    process.terminate()
    eventually(lambda: bench.signal_is_pending(signal.SIGTERM), what="a SIGTERM that nobody takes")
    bench.outlast_a_session()

    assert process.poll() is None
    assert bench.until_registered().czxid == before.czxid
    assert "working" not in bench.processes.read().partition(f"fault: {fault}")[2]


def test_spin_keeps_a_processor_busy(bench: WorkerBench) -> None:
    """Other than a worker that sleeps."""
    process = bench.fail("spin")
    bench.until_said("fault: spin")
    spinning = psutil.Process(process.pid)
    before = spinning.cpu_times().user

    eventually(lambda: spinning.cpu_times().user > before + 0.3, what="processor time")


def test_lost_session(bench: WorkerBench) -> None:
    """Registered no more, and at work all the same."""
    process = bench.fail("lost-session", *NOT_AT_ONCE, "--work-every", "0.05")
    bench.until_said("registered: ")
    bench.until_said("fault: lost-session")
    bench.until_gone()
    worked = bench.processes.read().count("working")
    bench.until_said("working", times=worked + 5)

    assert process.poll() is None
    assert bench.stat() is None


def test_deaf(bench: WorkerBench) -> None:
    """SIGTERM is heard, and ignored: only SIGKILL is left."""
    process = bench.fail("deaf", "--work-every", "0.05")
    bench.until_said("fault: deaf")
    for times in (1, 2):
        process.terminate()
        bench.until_said("deaf: SIGTERM ignored", times=times)
    worked = bench.processes.read().count("working")
    bench.until_said("working", times=worked + 1)
    process.kill()

    assert process.wait(timeout=30) == -signal.SIGKILL


def test_slow_start(bench: WorkerBench) -> None:
    """It registers only after its delay, and then as any other."""
    bench.start("--fault", "slow-start", "--start-delay", "0.5", "--seed", "1")
    bench.until_said("registered: ")
    said = bench.processes.read()

    assert said.index("fault: slow-start") < said.index("registered: ")


def test_a_slow_start_can_be_ended(bench: WorkerBench) -> None:
    """It has no registration to give back yet."""
    process = bench.start("--fault", "slow-start", "--start-delay", "1000", "--seed", "1")
    bench.until_said("fault: slow-start")
    process.terminate()

    assert process.wait(timeout=30) == 0
    assert "registered" not in bench.processes.read()


def test_output_that_cannot_be_written_harms_nothing(bench: WorkerBench) -> None:
    """It registers, works and ends as ever."""
    process = bench.start(output="/dev/full")
    bench.until_registered()
    process.terminate()

    assert process.wait(timeout=30) == 0
