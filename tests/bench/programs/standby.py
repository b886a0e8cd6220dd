"""standby.py BOARD SECONDS: a worker in Python whose start takes so long, and that can wait to be needed.

Its first deed as a worker is to read the clock; then it notes that on the board, as worker.c does. Python has no atomic
add, so those of this kind take turns by a lock of the file.
"""

import fcntl
import mmap
import os
import signal
import struct
import sys
import time

from autohealer import worker

with open(sys.argv[1], "r+b") as board:
    memory = mmap.mmap(board.fileno(), 0)
    time.sleep(float(sys.argv[2]))  # imports, caches, connections

    worker.standby()
    born_ns = time.monotonic_ns()

    fcntl.lockf(board, fcntl.LOCK_EX)
    (mine,) = struct.unpack_from("=Q", memory, 0)
    struct.pack_into("=Q", memory, 0, mine + 1)
    struct.pack_into("=QQ", memory, 8 + 16 * mine, born_ns, os.getpid())
    fcntl.lockf(board, fcntl.LOCK_UN)
worker.ready()
while True:
    signal.pause()
