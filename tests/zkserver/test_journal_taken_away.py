"""What somebody does to the folder of a journal that a server has open."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from autohealer.zkserver import JournalError
from autohealer.zkserver.journal import Journal
from tests.zkserver.journals import Batches, batches, life


def _remove(directory: Path) -> None:
    shutil.rmtree(directory)


def _unlink(directory: Path) -> None:
    (directory / "journal").unlink()


def _move(directory: Path) -> None:
    directory.rename(directory.with_name("elsewhere"))


def _take_the_lock(directory: Path) -> None:
    (directory / "journal.lock").unlink()


def _put_a_link(directory: Path) -> None:
    (directory / "journal").unlink()
    (directory / "journal").symlink_to(directory.with_name("victim"))


def _put_a_fifo(directory: Path) -> None:
    (directory / "journal").unlink()
    os.mkfifo(directory / "journal")


def _put_links_everywhere(directory: Path) -> None:
    for name in ("journal", "journal.new", "journal.reserve"):
        (directory / name).unlink(missing_ok=True)
        (directory / name).symlink_to(directory.with_name("victim"))


class TestTakenAway:
    """Somebody removes or replaces what the server has open."""

    @pytest.mark.parametrize(
        "attack", [_remove, _unlink, _move, _take_the_lock, _put_a_link, _put_a_fifo, _put_links_everywhere]
    )
    def test_all_is_written_anew(self, tmp_path: Path, attack: Callable[[Path], None]) -> None:
        """Within a second; nothing is written through a link, nothing is waited for."""
        directory, victim = tmp_path / "data", tmp_path / "victim"
        victim.write_text("mine")
        journal = Journal(directory)
        journal.load()
        first, second = batches(2)
        contents = Batches(first)
        journal.open(contents, 1, 0.0)
        journal.work(0.0)
        attack(directory)

        contents.written.append(second)
        journal.append(second, 0.5)
        journal.work(1.5)
        while journal.is_busy:
            journal.work(1.5)
        with pytest.raises(JournalError, match="in use"):
            Journal(directory)
        journal.close()

        assert sorted(life(directory, epoch=2).nodes) == ["/n0", "/n1"]
        assert victim.read_text() == "mine"
        assert victim.stat().st_size == 4

    def test_folder_in_its_place_is_waited_out(self, written: Path, caplog: pytest.LogCaptureFixture) -> None:
        """It may hold somebody's things: it is not removed, and the journal is back when it is gone."""
        journal = Journal(written)
        journal.load()
        journal.open(Batches(*batches(5)), 2, 0.0)
        journal.work(0.0)
        (written / "journal").unlink()
        (written / "journal").mkdir()
        now = 0.0
        for _ in range(40):
            now += 1.0
            journal.work(now)
        assert (written / "journal").is_dir()
        (written / "journal").rmdir()
        for _ in range(40):
            now += 1.0
            journal.work(now)
        journal.close()

        assert len(life(written).nodes) == 5
        assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]

    @pytest.mark.parametrize("name", ["journal", "journal.lock"])
    @pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
    def test_server_does_not_start_on_what_is_no_file(self, tmp_path: Path, name: str, kind: str) -> None:
        """Without touching what a link leads to, and without waiting for anybody."""
        victim = tmp_path / "victim"
        victim.write_text("mine")
        place = tmp_path / "data" / name
        place.parent.mkdir()
        if kind == "link":
            place.symlink_to(victim)
        elif kind == "fifo":
            os.mkfifo(place)
        else:
            place.mkdir()

        with pytest.raises(OSError, match=name):
            life(tmp_path / "data")

        assert victim.read_text() == "mine"

    def test_directory_that_is_a_link_is_refused(self, tmp_path: Path) -> None:
        """Who may make it a link decides whose files are written."""
        (tmp_path / "real").mkdir()
        (tmp_path / "data").symlink_to(tmp_path / "real")

        with pytest.raises(OSError, match="link"):
            Journal(tmp_path / "data")

        assert not list((tmp_path / "real").iterdir())
