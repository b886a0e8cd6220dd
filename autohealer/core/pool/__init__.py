"""One agent's workers: what is wanted against what is observed.

supervisor  ties all parts together: one event in, the actions that follow out
workers     all parts that are about processes, tied together
verbs       what people ask of this agent, checked and begun
draining    how this agent comes to run nothing
slots       which slots are wanted, and that each is filled; what a rollout needs
occupancy   what happens to a life in a slot: it begins, ends, or does not come to be
vacancies   what becomes of a slot whose life has ended
slot        one stable place of a worker
finishing   which end is final for a slot, and when the agent is done
lives       every process of this agent: how it is started, and which of them run
stops       how one is made to end, step by step
clearing    what dead workers left behind: it is ended, and waited for
addresses   where workers are reached, told while they serve
life        one process, and how it ended
health      the one judge: who is ready, and who is faulty, by what all senses tell
readiness   when a worker counts as ready
verdicts    what is done about one that is faulty: carried out, or held
condition   what the senses have seen of one life, and what follows for each sense
incidents   the one story of each death, verdict and failed start
spares      processes that wait to take the place of a dead one
below       whether fewer run than should, for so long that people want to know
brake       how many may be replaced for a verdict at once, and which senses somebody holds
lifecycle   the states of lives and slots, as a table
restarts    how soon a slot may start again: a token bucket, then exponential backoff
rollout     one rollout: the pure machine
cover       the surges of a rollout, and how many slots they stand for
soak        when a life counts as ready in a rollout, and when it is trusted
exchanges   which slots a rollout has still to exchange, and whose new life is trusted
rollouts    which rollout is under way, and which wait
outgrown    workers over a soft limit, and when each may be exchanged
fleet       the workers as a rollout sees and changes them
surges      the lives that a rollout starts beside the slots
snapshot    what every view reads
"""
