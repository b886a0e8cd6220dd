"""autohealer keeps N workers alive, on one machine or on many, through ZooKeeper.

Decisions are pure functions in `core`; everything that touches the world is a thin adapter around them:

    cli           the command line, one command a file
    tui           the dashboard, a process of its own
    runtime       the imperative shell: the agent process and the pools that it runs
    web           the HTTP endpoint and its page
    coordination  ZooKeeper in plain words, the only part that imports kazoo
    processes     the operating system in plain words
    views         what people read
    config        every option once, and everything that is made from that list
    core          what decides: events in, actions out; no clock, no input, no output
    zkserver      the ZooKeeper-protocol server, of use on its own
    errors        what a user may meet, each with its exit code

    worker        for workers written in Python
    testing       a pool under test, for tests of workers

Imports point downwards, and `lint-imports` checks it. docs/design.md says more, CONTRIBUTING.md how to work on it.
"""

__version__ = "0.1.0"
