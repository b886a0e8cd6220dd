"""A small disk of one's own, ext4 in a file, which can stall, fail, or become read-only. Only root may have one."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# From the kernel's ext4.h: end all that goes to the disk, and do not write what waits for it.
EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2


class LoopDisk:
    """Mounted at ``folder`` from ``mount`` to ``unmount``."""

    def __init__(self, folder: Path, size: str = "64M") -> None:
        self.folder = folder
        image = folder.with_name(f"{folder.name}.image")
        _run("truncate", "-s", size, str(image))
        _run("mkfs.ext4", "-q", str(image))
        folder.mkdir(parents=True, exist_ok=True)
        # As installers mount the disk of a system: an error makes it read-only.
        _run("mount", "-o", "loop,errors=remount-ro", str(image), str(folder))

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Who writes to it waits until the block ends, as for a disk that does not answer."""
        _run("fsfreeze", "--freeze", str(self.folder))
        try:
            yield
        finally:
            _run("fsfreeze", "--unfreeze", str(self.folder))

    def fail(self) -> None:
        """From now on whatever is read or written fails with EIO."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH.to_bytes(4, "little"))
        finally:
            os.close(descriptor)

    def become_read_only(self) -> None:
        """As after an error of the disk: whatever is written fails with EROFS."""
        device = self.folder.stat().st_dev
        name = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve().name
        Path(f"/sys/fs/ext4/{name}/trigger_fs_error").write_text("1\n")

    def fill(self) -> None:
        """No room is left: whatever is written to a new place fails with ENOSPC."""
        with suppress(OSError), (self.folder / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def unmount(self) -> None:
        """It is gone, whoever uses it."""
        _run("umount", "-l", str(self.folder))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
