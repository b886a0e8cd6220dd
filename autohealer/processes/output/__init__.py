"""The files that workers write to: given to them, kept short, marked with times and lives, and read back.

- ``files``    where each is, and how it is opened for a worker
- ``text``     what may be shown of it on a terminal
- ``index``    beside each file: when what was written, by which life
- ``cut``      copy the end to the older file, and truncate
- ``inotify``  be told of the next write
- ``keeper``   a thread that notes times and cuts back, when something is written
- ``journal``  systemd's journal instead of files
- ``outlet``   the one of these that a pool has, for who starts its workers
- ``reading``  lines with their times and lives, of one worker or merged
"""

from autohealer.processes.output.files import OutputFiles
from autohealer.processes.output.text import printable

__all__ = ["OutputFiles", "printable"]
