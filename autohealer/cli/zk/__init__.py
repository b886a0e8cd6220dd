"""``autohealer zk``: a ZooKeeper's nodes in zkCli's words, a shell for them, and the embedded server on its own.

session says which ZooKeeper is meant and as whom, show how nodes are printed, data what DATA is, shell reads lines of
commands; every other file is a command.
"""
