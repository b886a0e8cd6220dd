"""The flight recorder: what went into the core of an agent, and what it decided, to be run again by ``replay``.

    state      values of the core as JSON and back: events, actions, and the whole state of a supervisor
    recording  the recorder: a bounded ring of two files, written by a thread of its own
    replay     a recording run again, decision by decision
    telling    that in words and as JSON

A file begins with the state of the supervisor at that moment, so it can be run again alone. What workers wrote is left
out of it. Reading a file runs none of it: only classes of ``autohealer.core`` are made, and none of their methods but
the supervisor's own is called.
"""
