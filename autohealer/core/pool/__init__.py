"""One agent's workers: what is wanted against what is observed.

supervisor  ties all parts together: one event in, the actions that follow out
slots       which slots are wanted, and what becomes of each when its life ends; what a rollout needs
lives       every process of this agent: how it is started and stopped
life        one process, and how it ended
lifecycle   the states of lives and slots, as a table
restarts    how soon a slot may start again: a token bucket, then exponential backoff
rolling     a rolling restart: every worker is restarted, one by one
snapshot    what every view reads
"""
