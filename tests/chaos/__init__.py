"""Random faults on a real cluster: three agents, three ZooKeeper servers, one seed.

    faults    what is done to a cluster, a function each, and how it is made good again
    monkey    chooses faults by a seed, and says what it did
    watch     what must hold meanwhile and at rest; memory, descriptors and threads of the agents
    __main__  ``make soak``: as long as one likes, with seeds of its own

``test_chaos.py`` does it in CI for as long as that has time.
"""
