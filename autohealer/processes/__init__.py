"""The operating system in our words: adapters that do, and never decide.

- ``command``      is the command runnable, and where is it
- ``environment``  what a worker finds in its environment
- ``spawn``        start a worker: one posix_spawn, everything about it computed before
- ``exits``        hear of a worker's exit through its pidfd, signal it, reap it
- ``remnants``     end what a worker left behind; ``kin`` tells whose a process is
- ``adoption``     find and verify the workers of an agent that is gone; ``ending`` ends them
- ``guardian``     end workers when the authority to run them has passed, by ``guard``, a program of its own
- ``child``        one command run on somebody's behalf; ``http_check`` tells whether a URL answers
- ``output``       the files that workers write to
- ``evidence``     what a stuck process is doing
- ``usage``        which workers hold a connection to ZooKeeper
- ``procfs``       the fields of /proc that the others read
- ``setup``        what the agent's own process needs before it starts workers
"""
