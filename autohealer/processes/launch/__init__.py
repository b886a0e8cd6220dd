"""Start a worker, hear of its end, and find it again after the agent's death.

- ``command``      is the command runnable, and where is it
- ``environment``  what a worker finds in its environment
- ``spec``         what a worker is started from; a revision is one with a number
- ``spawn``        start a worker: one posix_spawn, everything about it computed before
- ``exits``        hear of a worker's exit through its pidfd, signal it, reap it
- ``wrapper``      limits, user, umask and niceness, before the first instruction
- ``adoption``     find and verify the workers of an agent that is gone
- ``stdin``        what they read, and why a program ends at once
- ``sockets``      what all workers of a pool listen on
- ``setup``        what the agent's own process needs before it starts workers
"""
