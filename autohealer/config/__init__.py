"""What a pool and an agent can be told: every option once, and everything that is made from that list.

kinds     the kinds of values (durations, sizes, signals, …): how they are read, checked, shown
options   one option: its kind, help, default, example, and what a change of it means
schema    the list itself: `PoolOptions` and `AgentOptions`
spec      from `PoolOptions` to the core's `PoolSpec`, and the checks that concern several options at once

Nothing here knows click; the command line, the configuration file and the reference page are all made from the schema.
"""
