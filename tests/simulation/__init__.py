"""Whole clusters in virtual time, from a seed: the real core and the real coordination, on the real server's engine.

clock     the time, and what is to come
server    the embedded server's engine, with a journal that is a list
network   a host's way to ZooKeeper, which can be slow or blocked
client    a client that behaves as kazoo does where that hurts
host      a machine: its workers, and an agent
world     all hosts and ZooKeeper
checks    what must hold at every moment
scenario  faults, and a life of a cluster made of them

Outside are the processes themselves: what a worker does is a line in a table here, and no program runs.
"""
