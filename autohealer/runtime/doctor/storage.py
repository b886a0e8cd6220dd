"""The state directory and what it lies on."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil

from autohealer.runtime.doctor.finding import Finding, fault, ok, warning
from autohealer.views.units import size

NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"})
# Programs that clean up remove what lies here and was not touched for some days.
CLEANED = ("/tmp", "/var/tmp")  # noqa: S108 - they are looked at, not used
LEAST_FREE = 100 * 2**20


def check_storage(base: Path) -> Iterator[Finding]:
    """The state directory that this command uses; it need not be there yet."""
    there = next(folder for folder in (base, *base.parents) if folder.exists())
    yield _file_system(base, there)
    if any(base.is_relative_to(folder) for folder in CLEANED):
        yield warning(
            "place of the state directory",
            f"{base} is where programs clean up",
            "choose a lasting place with --state-dir or AUTOHEALER_STATE_DIR",
        )
    free = shutil.disk_usage(there).free
    if free < LEAST_FREE:
        yield fault("space for the state directory", f"{size(free)} free at {there}", "make room there")
    else:
        yield ok("space for the state directory", f"{size(free)} free at {there}")
    if there == base:
        yield from _permissions(base)


def _file_system(base: Path, there: Path) -> Finding:
    mounts = sorted(psutil.disk_partitions(all=True), key=lambda mount: len(mount.mountpoint))
    kind = next((m.fstype for m in reversed(mounts) if there.resolve().is_relative_to(m.mountpoint)), "unknown")
    if kind in NETWORK:
        return fault(
            "file system of the state directory",
            f"{base} is on {kind}, where two hosts may share it and a lock may not hold",
            "choose a local one with --state-dir",
        )
    return ok("file system of the state directory", f"{base} is on {kind}")


def _permissions(base: Path) -> Iterator[Finding]:
    status = base.stat()
    if stat.S_IMODE(status.st_mode) & 0o022:
        yield fault(
            "permissions of the state directory",
            f"others may write to {base}",
            f"chmod go-w {base}",
        )
    elif status.st_uid != os.geteuid():
        yield warning(
            "owner of the state directory",
            f"{base} belongs to another user (uid {status.st_uid})",
            "run the command as that user",
        )
