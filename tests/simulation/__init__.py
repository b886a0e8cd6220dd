"""Whole clusters in virtual time, from a seed: the real core and the real coordination, on the real server's engine.

clock     the time, and what is to come
server    the embedded server's engine, with a journal that is a list
network   a host's way to ZooKeeper, which can be slow or blocked
client    a client that behaves as kazoo does where that hurts
own_session  a worker that registers itself
pools     what was asked for, releases good and bad, and what workers are like
disk      what a host's disk holds of a pool: its ledger, which may get old, torn or lost
member    one pool in an agent: core, coordination, operations, revisions
host      a machine: its workers, and an agent's process
world     all hosts and ZooKeeper
checks    what must hold at every moment
faults    what may happen, a function each
scenario  a life of a cluster made of them
shrink    a scenario that fails, with less in it

Outside are the processes themselves: what a worker does is a line in a table here, and no program runs.
"""
