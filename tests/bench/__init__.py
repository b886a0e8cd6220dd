"""How fast do process supervisors start, heal and stop the same workers? ``python -m tests.bench``, or ``make bench``.

    programs/   in C: ``worker.c``, which notes when its first instruction ran; ``floor.c``, the least that a supervisor
                can do. In Python: ``floor.py``, the least that one can do there; ``standby.py``, which starts slowly;
                ``traced.py``, an agent that notes each step of a heal; ``onlooker.py``, all who may look at one
    build       compiles them
    board       the shared memory in which workers note that they have been born
    peers       the supervisors, one class each: its configuration, how it is started and stopped
    fleet       one supervisor with its workers, from launch to clean-up
    measures    what is measured of all of them, each a function that yields samples
    changes     what a change of what runs costs, and how quick a spare is
    watched     what it costs a heal that somebody looks
    budget      where the time of a heal goes
    spread      why runs differ: what the machine does to the same work
    servers     the embedded server beside ZooKeeper
    catalogue   all measures by name, and with how many workers they are taken
    machine     what was measured on what, and how quiet it was meanwhile
    goals       what the project holds itself to
    results     samples into medians with their spread, tables and plots

The ratios to ``floor.py`` in one and the same run are what counts: the machine's speed drifts, the ratio hardly does.
``test_ratios.py`` holds the most important ones in CI.
"""
