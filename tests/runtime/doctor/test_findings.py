"""What each check says of what it is shown."""

from __future__ import annotations

import json
import resource
import tarfile
from collections import namedtuple
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from autohealer.coordination.admin.inspection import Inspection, Server
from autohealer.runtime.doctor import host, storage
from autohealer.runtime.doctor.bundle import write_bundle
from autohealer.runtime.doctor.diagnosis import Diagnosis
from autohealer.runtime.doctor.ensemble import check_ensemble
from autohealer.runtime.doctor.finding import Finding, Severity, fault, ok, warning, worst
from autohealer.runtime.doctor.pool import check_pool
from autohealer.runtime.state_dir import StateDir
from autohealer.views.status import Status

THREE = tuple(Server(f"zk{n}:2181", reachable=True, version="3.8.0", mode="follower") for n in (1, 2, 3))
FINE = Inspection(THREE, 0.002, 10.0, 10.0, 0.01, (), 500)
STATUS: dict[str, Any] = {
    "pool": "default",
    "connected": True,
    "target": 3,
    "running": 3,
    "foreign": 0,
    "leader": "web1-k3x9qa",
    "workers": [],
}


def levels(findings: list[Finding]) -> dict[str, Severity]:
    return {finding.check: finding.level for finding in findings}


def judged(**changes: Any) -> dict[str, Severity]:
    changed = Inspection(**{name: changes.get(name, getattr(FINE, name)) for name in Inspection.__struct_fields__})
    return levels(list(check_ensemble(changed, has_credentials=True, is_embedded=False)))


def test_an_ensemble_that_is_fine() -> None:
    assert set(judged().values()) == {Severity.OK}


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"servers": (THREE[0],)}, "ZooKeeper servers"),
        ({"servers": (*THREE[:2], Server("zk3:2181", reachable=False, version="", mode=""))}, "ZooKeeper servers"),
        ({"servers": (*THREE[:2], Server("zk3:2181", True, "3.9.2", "leader"))}, "ZooKeeper versions"),
        ({"latency_s": 2.0}, "ZooKeeper's answers"),
        ({"granted_s": 4.0}, "session timeout"),
        ({"clock_ahead_s": 60.0}, "clocks"),
        ({"clock_ahead_s": -60.0}, "clocks"),
        ({"open_to_world": ("/workers",)}, "access"),
        ({"names_bytes": 2_000_000}, "registrations"),
    ],
)
def test_what_may_do_harm_is_a_warning_with_a_remedy(changes: dict[str, Any], check: str) -> None:
    assert judged(**changes)[check] is Severity.WARNING


def test_a_pool_that_is_fine() -> None:
    assert set(levels(list(check_pool(msgspec.convert(STATUS, Status)))).values()) == {Severity.OK}


@pytest.mark.parametrize(
    ("changes", "check", "level"),
    [
        ({"running": 2}, "workers", Severity.FAULT),
        ({"connected": False}, "agent's session", Severity.FAULT),
        ({"leader": None}, "leader", Severity.FAULT),
        ({"workers": [{"state": "backoff", "cause": "exit 2"}]}, "crash loops", Severity.FAULT),
        ({"held": ["probe"]}, "held verdicts", Severity.WARNING),
        ({"config": {"file": "a.toml", "state": "invalid", "detail": "line 3"}}, "configuration file", Severity.FAULT),
        ({"config": {"file": "a.toml", "state": "differs", "detail": ""}}, "configuration file", Severity.WARNING),
    ],
)
def test_what_is_wrong_with_a_pool(changes: dict[str, Any], check: str, level: Severity) -> None:
    assert levels(list(check_pool(msgspec.convert({**STATUS, **changes}, Status))))[check] is level


def test_workers_that_are_done_are_not_missing() -> None:
    changes = {"running": 1, "done": {"done": 1, "failed": 1}}
    found = levels(list(check_pool(msgspec.convert({**STATUS, **changes}, Status))))
    assert found["workers"] is Severity.OK


def test_a_host_with_too_few_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (100, 100))
    assert levels(list(host.check_host(1000, None)))["open files"] is Severity.FAULT
    assert levels(list(host.check_host(10, None)))["open files"] is Severity.OK


def test_a_host_with_too_little_memory_for_one_more_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = namedtuple("memory", "available")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(10 * 2**20))
    assert levels(list(host.check_host(10, 20 * 2**20)))["memory"] is Severity.WARNING
    assert levels(list(host.check_host(10, 2**20)))["memory"] is Severity.OK


def test_a_state_directory_on_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mount = namedtuple("mount", "mountpoint fstype")
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [mount("/", "ext4"), mount(str(tmp_path), "nfs4")])
    assert levels(list(storage.check_storage(tmp_path)))["file system of the state directory"] is Severity.FAULT


def test_a_state_directory_that_others_may_write_to(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    assert levels(list(storage.check_storage(tmp_path)))["permissions of the state directory"] is Severity.FAULT
    tmp_path.chmod(0o700)
    assert "permissions of the state directory" not in levels(list(storage.check_storage(tmp_path)))


def test_the_worst_counts_and_comes_last() -> None:
    diagnosis = Diagnosis([fault("a", "x", "mend"), ok("b", "y"), warning("c", "z", "look")])
    assert worst(diagnosis.findings) is Severity.FAULT
    assert [line.split()[0] for line in diagnosis.lines()] == ["ok", "warning", "->", "FAULT", "->"]


def test_a_bundle_has_no_word_of_workers_in_it(tmp_path: Path) -> None:
    state = StateDir(tmp_path / "state", "default", {})
    state.create()
    state.events_path.write_text(
        json.dumps({"event": "worker.backoff", "output": ["password hunter2"], "slot": 0}) + "\nnonsense\n"
    )
    write_bundle(tmp_path / "bundle.tar.gz", state, Diagnosis([ok("b", "y")], Status(pool="default")))
    with tarfile.open(tmp_path / "bundle.tar.gz") as archive:
        contents = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        texts = {name: file.read().decode() for name, file in contents.items() if file is not None}
    assert json.loads(texts["autohealer/doctor.json"]) == [{"check": "b", "level": "ok", "detail": "y", "remedy": ""}]
    assert json.loads(texts["autohealer/events.jsonl"]) == {
        "event": "worker.backoff",
        "output": "(left out)",
        "slot": 0,
    }
    assert "hunter2" not in "".join(texts.values())
    assert (tmp_path / "bundle.tar.gz").stat().st_mode & 0o777 == 0o600
