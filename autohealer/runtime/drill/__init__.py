"""Faults on request, to see a pool survive them: ``autohealer drill``.

    kinds    what can be drilled: how many workers it touches, and what has to follow
    faults   how each is done, and made good again
    leak     the one fault that is the agent's own: memory that is told to be beyond its limit
    verdict  what came of it, by the pool's own events: what held, and how long it took. Pure
    report   that as text, JSON, and one HTML page with a timeline

A drill touches only workers whose agent was started with ``--allow-drill``, on this host, and no more than its kind
says. It leaves the pool as it found it.
"""
