"""One agent's workers: what is wanted against what is observed.

supervisor  ties all parts together: one event in, the actions that follow out
slots       slots wanted against slots observed
lifecycle   one worker's states, as a table
restarts    how soon a slot may start again: a token bucket, then exponential backoff
rolling     a rolling restart: every worker is restarted, one by one
snapshot    what every view reads
"""
