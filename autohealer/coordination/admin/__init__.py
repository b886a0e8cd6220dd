"""The synchronous face of ZooKeeper, for commands in another terminal.

blocking_client  requests by a thread that waits for the answers, and never longer than it was told to
inspection       what can be learnt of a ZooKeeper, for ``doctor``
pool_client      what is in a pool's nodes, and what can be asked of it
"""
