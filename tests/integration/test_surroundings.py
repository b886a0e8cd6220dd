"""What workers find around them, where their output goes, and what the agent does without."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.pools import Json, Pool
from tests.support.processes import BIN, eventually

PRINT_ENVIRONMENT = """
import json, os, sys, time
print(json.dumps({"env": dict(os.environ), "argv": sys.argv[1:], "cwd": os.getcwd()}), flush=True)
time.sleep(1000)
"""


def test_environment_arguments_and_directory(pool: Pool, tmp_path: Path) -> None:
    """Who the worker is, which port it has; what was given by --env; nothing of the agent's own options."""
    (tmp_path / "there").mkdir()
    ours = {"AUTOHEALER_STABLE_AFTER": "5", "AUTOHEALER_SECRET": "s3cret", "OWN": "from outside", "OTHER": "kept"}
    options = ["--env", "OWN=mine", "--env", "EMPTY=", "--cwd", str(tmp_path / "there"), "--port-base", "9000"]
    template = ["{slot}", "{port}", "{worker}", "{other}", "a{slot}b{slot}"]
    pool.run(2, sys.executable, "-c", PRINT_ENVIRONMENT, *template, options=options, env=ours)
    pool.until_running(2)
    for slot, worker in pool.workers().items():
        told = _told(pool, slot)
        env = told["env"]
        assert told["cwd"] == str(tmp_path / "there")
        assert told["argv"] == [str(slot), str(9000 + slot), worker["worker"], "{other}", f"a{slot}b{slot}"]
        assert (env["OWN"], env["EMPTY"], env["OTHER"], env["PORT"]) == ("mine", "", "kept", str(9000 + slot))
        epoch = int(env.pop("AUTOHEALER_EPOCH"))
        assert epoch > 0
        assert {name: value for name, value in env.items() if name.startswith("AUTOHEALER_")} == {
            "AUTOHEALER_ZK": pool.status()["zookeeper"],
            "AUTOHEALER_POOL": "default",
            "AUTOHEALER_WORKERS": "/workers",
            "AUTOHEALER_WORKER_ID": worker["worker"],
            "AUTOHEALER_SLOT": str(slot),
            "AUTOHEALER_AGENT": worker["agent"],
            "AUTOHEALER_REVISION": "1",
            "AUTOHEALER_RESTARTS": "0",
            "AUTOHEALER_LAST_EXIT": "",
        }


def test_credentials_are_no_business_of_workers(real_pool: Pool) -> None:
    """Nor of anybody who reads what the agent writes and says; commands need them as well, on another host."""
    secret = {"AUTOHEALER_ZK_AUTH": "digest:me:s3cret"}
    real_pool.run(1, sys.executable, "-c", PRINT_ENVIRONMENT, env=secret)
    real_pool.until_running(1)
    real_pool.until_registered(1)
    assert "s3cret" not in json.dumps(_told(real_pool, 0))
    assert "AUTOHEALER_ZK_AUTH" not in _told(real_pool, 0)["env"]
    written = [file for file in real_pool.folder.rglob("*") if file.is_file()]
    assert written
    assert not any(b"s3cret" in file.read_bytes() for file in written)
    assert "s3cret" not in real_pool.said()
    elsewhere = ("--state-dir", str(real_pool.processes.directory / "elsewhere"))
    denied = real_pool.call("scale", *elsewhere, "2")
    assert (denied.returncode, denied.stderr.count("\n")) == (1, 1)
    allowed = real_pool.processes.run_autohealer("scale", *real_pool.where, *elsewhere, "2", env=secret)
    assert allowed.returncode == 0


def test_options_from_the_environment(embedded_pool: Pool) -> None:
    """Each option also as AUTOHEALER_…; the command line goes before."""
    environment = {"AUTOHEALER_PORT_BASE": "7000", "AUTOHEALER_POOL": "named", "AUTOHEALER_ENV": "A=1 B=2"}
    named = Pool(embedded_pool.processes, None, embedded_pool.connect, name="named")
    agent = named.processes.autohealer("run", "1", "--", sys.executable, "-c", PRINT_ENVIRONMENT, env=environment)
    named.until_running(1)
    env = _told(named, 0)["env"]
    assert (env["PORT"], env["AUTOHEALER_POOL"], env["A"], env["B"]) == ("7000", "named", "1", "2")
    agent.terminate()
    assert agent.wait(20) == 0


def test_output_of_workers_on_stdout(embedded_pool: Pool) -> None:
    """--log stdout: workers inherit the agent's; nothing of it in files."""
    embedded_pool.run(2, "sh", "-c", "echo worker {slot} here; exec sleep 1000", options=["--log", "stdout"])
    embedded_pool.until_running(2)
    eventually(lambda: {"worker 0 here", "worker 1 here"} <= set(embedded_pool.said().splitlines()))
    assert not list((embedded_pool.folder / "output").glob("slot-*"))


def test_no_output_of_workers(embedded_pool: Pool) -> None:
    """--log none: it goes nowhere."""
    embedded_pool.run(1, "sh", "-c", "echo worker {slot} here; exec sleep 1000", options=["--log", "none"])
    embedded_pool.until_running(1)
    embedded_pool.until_registered(1)
    assert embedded_pool.stop() == 0
    assert "worker 0 here" not in embedded_pool.said()
    assert not list((embedded_pool.folder / "output").glob("slot-*"))


def test_stdin_of_workers_is_empty(embedded_pool: Pool) -> None:
    """From /dev/null, whatever the agent has."""
    embedded_pool.run(1, "sh", "-c", "cat; echo read to the end; exec sleep 1000")
    embedded_pool.until_running(1)
    eventually(lambda: embedded_pool.call("logs", "0").stdout == "read to the end\n")


def test_stdout_that_is_closed(embedded_pool: Pool) -> None:
    """The reader has had enough after a line (head -1): the end of a view, not of the agent."""
    pool = embedded_pool
    command = [str(BIN / "autohealer"), "run", "2", "--json", "--", "sleep", "1000"]
    environment = pool.processes.environment()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        assert agent.stderr is not None
        agent.stdout.readline()
        agent.stdout.close()
        pids = pool.until_running(2)
        for _ in range(3):
            os.kill(pids[0], signal.SIGKILL)
            pids = pool.until_replaced(pids, [0])
        agent.terminate()
        assert agent.wait(20) == 0
        assert agent.stderr.read() == b""


def test_output_that_nobody_reads(embedded_pool: Pool) -> None:
    """A pipe that is full for good slows nothing, and does not keep the agent from ending."""
    pool = embedded_pool
    command = [str(BIN / "autohealer"), "run", "2", "--json", "--stable-after", "0.001", "--", "sh", "-c", "exit 1"]
    reader, writer = os.pipe()
    with open(writer, "wb") as stdout:
        environment = pool.processes.environment()
        with subprocess.Popen(command, env=environment, stdout=stdout, stderr=subprocess.DEVNULL) as agent:
            eventually(lambda: len(pool.events("worker.started")) > 500, timeout=60)
            agent.terminate()
            assert agent.wait(20) == 0
    os.close(reader)


def test_output_that_cannot_be_written(embedded_pool: Pool) -> None:
    """Nothing keeps a worker from running over its log; it is said once for each start."""
    (embedded_pool.folder / "output" / "slot-0.log").mkdir(parents=True)
    embedded_pool.run(2)
    embedded_pool.until_running(2)
    eventually(lambda: "warning: the output of slot 0 is lost: " in embedded_pool.said())
    assert "slot 1" not in embedded_pool.said().replace("worker 1", "")


def test_an_event_log_that_cannot_be_written(embedded_pool: Pool) -> None:
    """Events are still printed; healing goes on."""
    (embedded_pool.folder / "events.jsonl").mkdir(parents=True)
    embedded_pool.run(1)
    pids = embedded_pool.until_running(1)
    os.kill(pids[0], signal.SIGKILL)
    embedded_pool.until_replaced(pids, [0])
    eventually(lambda: f"(pid {pids[0]}) was killed by SIGKILL" in embedded_pool.said())
    assert embedded_pool.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount, and only root is not kept out by modes")
def test_a_disk_that_is_full(embedded_pool: Pool) -> None:
    """A worker dies while nothing can be written: it is healed, and what could not be noted down is adopted."""
    folder = embedded_pool.processes.state_dir
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(folder)], check=False)
    if mounted.returncode != 0:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        embedded_pool.run(2, options=["--log", "none", "--stable-after", "0.001"])
        pids = embedded_pool.until_running(2)
        _fill(folder / "filler")
        # What has been begun of a page can still be filled.
        while "warning: cannot write the ledger: No space left on device" not in embedded_pool.said():
            os.kill(pids[0], signal.SIGKILL)
            pids = embedded_pool.until_replaced(pids, [0])
        embedded_pool.kill_agent()
        embedded_pool.run(2, options=["--log", "none"])
        assert embedded_pool.until_running(2) == pids
        (folder / "filler").unlink()
        assert embedded_pool.stop() == 0
    finally:
        embedded_pool.processes.end()
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_files_are_the_owners_alone(embedded_pool: Pool) -> None:
    """The state directory and all that is in it, whatever the umask."""
    embedded_pool.processes.start(
        "sh", "-c", f"umask 0; exec {BIN / 'autohealer'} run 1 -- sh -c 'echo hello; exec sleep 1000'"
    )
    embedded_pool.until_running(1)
    embedded_pool.until_registered(1)
    folder = embedded_pool.processes.state_dir
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def _fill(file: Path) -> None:
    """Write until the disk is full."""
    with suppress(OSError), file.open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)


def _told(pool: Pool, slot: int) -> Json:
    """What the worker in this slot printed of its environment."""
    file = pool.folder / "output" / f"slot-{slot}.log"
    text = eventually(lambda: file.exists() and file.read_text())
    told: Json = json.loads(str(text).splitlines()[-1])
    return told
