"""A worker that fails on purpose, to see it healed.

flaky_worker.py, __main__.py   where it starts, as a script and as a module
options.py                     the command line
worker.py                      works, and commits the faults when their time has come
server.py                      answers HTTP on $PORT: whether it is well, and how much it has done
faults.py                      pure: a seed in, a schedule of faults out
"""
