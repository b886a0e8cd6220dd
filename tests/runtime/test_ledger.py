"""The ledger survives what happens to files, and says who the workers were."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from autohealer.processes.launch.spec import LaunchSpec
from autohealer.runtime.ledger import Facts, Ledger, SlotFinished, WorkerEntry, WorkerGone, new_agent_id
from autohealer.runtime.revisions import record_for

BOOT = "boot-1"
ODD = [2**80, -5, 1e308, "../../x", "\x1b[31m", True, None, [], {}, "x" * 5000]


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
        assert not path.exists()


def test_an_unreadable_ledger_is_not_replaced(path: Path) -> None:
    path.mkdir()

    with pytest.raises(OSError, match="no regular file"):
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


@pytest.mark.parametrize("field", ["agent", "boot", "target", "server_port", "session_id", "session_password"])
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_value_among_the_facts(path: Path, field: str, odd: object) -> None:
    """It is taken for nothing: the agent goes on by the id that it has had, and with values that it can use."""
    ledger, _ = Ledger.load(path, BOOT)
    ledger.record([entry(0)])
    ledger.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0][field] = odd
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    again, error = Ledger.load(path, BOOT)
    again.close()
    assert error is None
    assert again.facts.agent == ledger.facts.agent or (field, odd) == ("agent", "x" * 5000)
    assert again.facts.target is None or 0 <= again.facts.target < 2**31
    assert again.facts.server_port is None or 1 <= again.facts.server_port <= 65_535
    bytes.fromhex(again.facts.session_password or "")


@pytest.mark.parametrize("field", ["worker", "slot", "pid", "start_time", "started", "number", "revision"])
@pytest.mark.parametrize("odd", [odd for odd in ODD if odd is not None])
def test_an_odd_value_of_a_worker_costs_that_line(ledger: Ledger, path: Path, field: str, odd: object) -> None:
    ledger.record([entry(0), entry(1)])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1][field] = odd
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    again = Ledger.read(path)
    assert again is not None
    assert again.workers[entry(1).worker] == entry(1)
    assert all(isinstance(worker.pid, int) and worker.pid > 1 for worker in again.workers.values())


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b'{"worker": "host-abc-0-x0", "slot": 0}\n'])
def test_a_ledger_that_is_lost_loses_not_the_agents_id(ledger: Ledger, path: Path, content: bytes) -> None:
    """So that its workers are known by their environment."""
    path.write_bytes(content)

    again, _ = Ledger.load(path, BOOT)
    again.close()
    assert again.facts.agent == ledger.facts.agent
    path.unlink()
    without, _ = Ledger.load(path, BOOT)
    without.close()
    assert without.facts.agent == ledger.facts.agent


@pytest.mark.parametrize("content", [b"", b"../../x", b"\xff", b"a" * 5000])
def test_an_id_that_makes_no_sense_is_replaced(path: Path, content: bytes) -> None:
    (path.parent / "agent-id").write_bytes(content)
    ledger, error = Ledger.load(path, BOOT)
    ledger.close()
    assert error is None
    assert (path.parent / "agent-id").read_text().strip() == ledger.facts.agent


@pytest.mark.parametrize("name", ["ledger", "agent-id", "ledger.new", "agent-id.new"])
@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_others_have_put_in_the_place_of_a_file(path: Path, tmp_path: Path, name: str, kind: str) -> None:
    """Nothing is written through a link, and nobody waits for a FIFO: it works without, or says what is wrong."""
    precious = tmp_path / "precious"
    precious.write_text("data")
    place = path.parent / name
    if kind == "link":
        place.symlink_to(precious)
    elif kind == "fifo":
        os.mkfifo(place)
    else:
        place.mkdir()
    if name == "ledger":
        with pytest.raises(OSError, match="no regular file"):
            Ledger.load(path, BOOT)
    else:
        ledger, _ = Ledger.load(path, BOOT)
        ledger.record([entry(0)])
        ledger.close()
    assert precious.read_text() == "data"


def test_a_command_whose_arguments_are_no_text_is_kept_as_it_is(ledger: Ledger, path: Path) -> None:
    """File names may hold any bytes."""
    spec = LaunchSpec(command=("cat", os.fsdecode(b"/tmp/\xff\xfe")), env={"A": "\udcff"}, cwd="/", output="file")
    record = record_for(None, spec)
    assert ledger.record([record]) is None
    again = Ledger.read(path)
    assert again is not None
    assert again.revisions == record
    assert again.revisions.present.spec.hash == spec.hash
