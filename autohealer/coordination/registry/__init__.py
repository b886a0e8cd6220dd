"""Addresses in the service registry, and workers that register themselves.

address       one address, there while it is wanted
services      who is in that registry, for commands
registration  a worker's own registration under /workers, kept through lost connections and sessions
"""
