"""The ledger survives what happens to files, and says who the workers were."""

from __future__ import annotations

import errno
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from autohealer.processes.launch.spec import LaunchSpec
from autohealer.runtime.ledger import Facts, Ledger, SlotFinished, WorkerEntry, WorkerGone, new_agent_id
from autohealer.runtime.revisions import record_for

BOOT = "boot-1"


def entry(slot: int) -> WorkerEntry:
    return WorkerEntry(f"host-abc-{slot}-x{slot}", slot, 1000 + slot, 77 + slot, "2026-01-02T03:04:05.000006Z")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    ledger, error = Ledger.load(path, BOOT)
    assert error is None
    yield ledger
    ledger.close()


@contextmanager
def disk_with_room_for(size: int) -> Iterator[None]:
    """No file of this process may grow beyond: a write fails with EFBIG, as on a full disk with ENOSPC."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_what_was_recorded_is_read_again(ledger: Ledger, path: Path) -> None:
    facts = replace(
        ledger.facts,
        target=10,
        zookeeper="127.0.0.1:2181",
        server_port=2181,
        session_id=(1 << 62) + 1,
        session_password="00ff",
        registration="identified",
    )

    assert ledger.record([facts, entry(0), entry(1), WorkerGone(entry(0).worker)]) is None

    again = Ledger.read(path)
    assert again is not None
    assert again.facts == facts
    assert again.workers == {entry(1).worker: entry(1)}


def test_what_has_finished_is_known_to_the_next_agent_and_forgotten_at_a_clean_end(ledger: Ledger, path: Path) -> None:
    done, failed = SlotFinished(0, failed=False, revision=1), SlotFinished(3, failed=True, revision=1)
    ledger.record([done, failed])
    for again in (Ledger.read(path), Ledger.load(path, "boot-2")[0]):
        assert again is not None
        assert again.finished == {0: done, 3: failed}
        again.close()

    ledger.end()

    ended = Ledger.read(path)
    assert ended is not None
    assert ended.finished == {}


def test_only_the_agents_name_outlives_a_clean_end(ledger: Ledger, path: Path) -> None:
    begun = replace(ledger.facts, target=3, server_port=4711, session_id=1, session_password="00ff")
    ledger.record([begun, entry(0)])
    ledger.end()

    again = Ledger.read(path)
    assert again is not None
    assert again.facts == ledger.facts == replace(begun, target=None, server_port=None, session_id=None,
                                                  session_password=None)  # fmt: skip
    assert again.workers == {}


def test_agent_id_is_made_once(ledger: Ledger, path: Path) -> None:
    again, _ = Ledger.load(path, BOOT)
    again.close()

    assert again.facts.agent == ledger.facts.agent


def test_agent_ids_differ_and_name_the_host() -> None:
    one, other = new_agent_id("web1.example.org"), new_agent_id("web1.example.org")

    assert one != other
    assert one.startswith("web1-")
    assert new_agent_id("überlanger_Name_eines_Rechners_im_Keller").isascii()
    assert new_agent_id("...").startswith("host-")


def test_a_missing_ledger_is_none_for_readers(path: Path) -> None:
    assert Ledger.read(path) is None


def test_the_password_is_in_no_representation(ledger: Ledger) -> None:
    assert "00ff" not in repr(replace(ledger.facts, session_password="00ff"))


def test_only_the_owner_may_read_it(ledger: Ledger, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", range(2, 60, 7))
def test_a_torn_tail_costs_only_itself(ledger: Ledger, path: Path, cut: int) -> None:
    ledger.record([entry(0)])
    ledger.record([entry(1)])
    path.write_bytes(path.read_bytes()[:-cut])

    again, _ = Ledger.load(path, BOOT)
    again.record([entry(2)])
    again.close()

    last = Ledger.read(path)
    assert last is not None
    assert list(last.workers.values()) == [entry(0), entry(2)]


@pytest.mark.parametrize(
    "line",
    [b"\xff\x00", b"[1]", b"7", b"null", b'{"worker": 1}', b'{"agent": "x"}', b'{"worker": "a", "slot": "b"}', b"{}"],
)
def test_a_line_without_sense_is_passed_over(ledger: Ledger, path: Path, line: bytes) -> None:
    ledger.record([entry(0)])
    path.write_bytes(path.read_bytes() + line + b"\n")

    again = Ledger.read(path)
    assert again is not None
    assert again.facts == ledger.facts
    assert list(again.workers.values()) == [entry(0)]


def test_workers_from_before_the_last_boot_are_left_out(ledger: Ledger, path: Path) -> None:
    ledger.record([entry(0)])

    again, _ = Ledger.load(path, "boot-2")
    again.close()

    assert again.workers == {}
    assert again.facts == Facts(agent=ledger.facts.agent, boot="boot-2", place=ledger.facts.place)


@pytest.mark.parametrize(("boot", "copied"), [("boot-1", False), ("boot-2", False), ("boot-1", True)])
def test_a_session_is_kept_by_the_next_agent_there_and_by_no_copy(
    ledger: Ledger, path: Path, tmp_path: Path, boot: str, copied: bool
) -> None:
    """Of two agents that live in one session neither may ever notice."""
    ledger.record([replace(ledger.facts, session_id=7, session_password="00")])
    if copied:
        (tmp_path / "copy").mkdir()
        path = Path(shutil.copy(path, tmp_path / "copy"))
    again, _ = Ledger.load(path, boot)
    again.close()

    kept = boot == ledger.facts.boot and not copied
    assert again.facts.agent == ledger.facts.agent
    assert (again.facts.session_id, again.facts.session_password) == ((7, "00") if kept else (None, None))


def test_it_does_not_grow_for_ever(ledger: Ledger, path: Path) -> None:
    ledger.record([entry(1)])
    for _ in range(200):
        ledger.record([line for _ in range(20) for line in (entry(0), WorkerGone(entry(0).worker))])

    assert len(path.read_bytes().splitlines()) < 3000
    again = Ledger.read(path)
    assert again is not None
    assert list(again.workers.values()) == [entry(1)]


def test_a_full_disk_is_told_once_and_made_good_later(ledger: Ledger, path: Path) -> None:
    with disk_with_room_for(0):
        error = ledger.record([entry(0)])

        assert error is not None
        assert error.errno == errno.EFBIG
        assert ledger.record([entry(1)]) is None
        assert ledger.is_failing

    assert ledger.record([]) is None
    assert not ledger.is_failing
    again = Ledger.read(path)
    assert again is not None
    assert list(again.workers.values()) == [entry(0), entry(1)]


def test_a_write_cut_short_is_made_good_later(ledger: Ledger, path: Path) -> None:
    """The disk takes some bytes of a line, and then no more."""
    with disk_with_room_for(path.stat().st_size + 10):
        error = ledger.record([entry(0)])

    assert error is not None
    assert ledger.record([entry(1)]) is None
    again = Ledger.read(path)
    assert again is not None
    assert list(again.workers.values()) == [entry(0), entry(1)]


def test_a_disk_full_from_the_start_does_not_stop_the_agent(path: Path) -> None:
    with disk_with_room_for(0):
        ledger, error = Ledger.load(path, BOOT)

        assert error is not None
        assert ledger.record([entry(0)]) is None
        assert list(ledger.workers.values()) == [entry(0)]
        assert not any(path.parent.iterdir())


def test_an_unreadable_ledger_is_not_replaced(path: Path) -> None:
    path.mkdir()

    with pytest.raises(OSError, match="directory"):
        Ledger.load(path, BOOT)


def test_the_revisions_are_read_again_and_nonsense_in_their_place_is_passed_over(ledger: Ledger, path: Path) -> None:
    spec = LaunchSpec(command=("sleep", "60"), env={"TOKEN": "x"}, cwd="/srv/current", output="file", port_base=8000)
    record = record_for(None, spec)
    assert ledger.record([record]) is None
    with path.open("a") as file:
        file.write('{"revisions": {"asked": 5}}\n')

    again = Ledger.read(path)
    assert again is not None
    assert again.revisions == record
    assert path.stat().st_mode & 0o777 == 0o600
    rewritten, _ = Ledger.load(path, BOOT)
    rewritten.close()
    assert rewritten.revisions == record
