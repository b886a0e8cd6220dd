"""The operating system in plain words: adapters that do, and never decide.

- ``launch``    start a worker, hear of its end, find it again after the agent's death
- ``tree``      which processes belong to a worker, and how they are ended
- ``watchdog``  a process of its own that ends workers when the lease to run them has passed
- ``probes``    checks whether something answers
- ``reaper``    which children are waited for; takes away all others that have ended
- ``child``     one command run on somebody's behalf
- ``output``    the files that workers write to
- ``notify``    the datagram socket to which workers say how they are; ``notify_path`` is where it lies
- ``log_match`` the line by which a worker says that it is ready
- ``short_command`` a command that is run for what it says
- ``oom``       whether the kernel killed for want of memory
- ``evidence``  what a stuck process is doing
- ``standstill`` which processes are stopped
- ``stats``     CPU time, memory and connections of processes
"""
