"""The part that decides: pure, synchronous, with one writer.

Facts come in as events (``events``: past tense, each stamped with the monotonic time ``at``), orders go out as
actions (``actions``: imperative). Nothing here does anything to the world, reads a clock or waits:

    event --> Supervisor.handle --> [action, ...]        Supervisor.next_deadline --> the next moment to be called

Every event is first folded into what is observed, then what is observed is reconciled with what is wanted. Work in
flight is observed state, so an event that comes twice, late or never can neither double a start nor lose one. A worker
id names one life of one slot and is never used twice, so news of a former life cannot hit the present one.

    model          the nouns
    events         what happened
    actions        what to do
    lifecycle      one worker's states, as a table
    restarts       how soon a slot may start again: a token bucket, then exponential backoff
    deadlines      many moments in, the next one out
    slots          the agent's part: slots wanted against slots observed
    registrations  who has registered, who stands in for whom, who has lost it
    rolling        a rolling restart: every worker exchanged, one by one
    leader         the leader's part: registrations nobody runs, and the plan that follows
    plan           shares of a target over agents, in the end and on the way
    assignment     the target as it stands, and this agent's share
    licence        may workers be run now? by authority, which is what a session proves
    candidacy      a candidate of `elect`: may its command run?
    supervisor     ties them together
    snapshot       what every view reads
"""
