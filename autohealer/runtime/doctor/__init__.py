"""What is wrong with a set-up, and what to do about it: ``autohealer doctor``.

    finding   one thing that was looked at: fine, a warning or a fault, with its remedy
    host      the kernel and the limits of this machine
    storage   the state directory and what it lies on
    ensemble  ZooKeeper: reachable, its servers, sessions, clocks, access
    pool      a running pool: does its agent answer, what is missing, who disagrees
    diagnosis all findings of one look
    bundle    all of it, and what is on disk, in one archive for a report of a bug

Each check reads; none changes anything. What a check cannot learn is left out, not guessed.
"""
