"""A process of its own that ends workers when the lease to run them has passed, whatever becomes of the agent.

- ``owner``    the agent's side: starts the watchdog, tells it how long the lease lasts
- ``program``  what the watchdog runs: standard library alone, imported by nothing
"""
