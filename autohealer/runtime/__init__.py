"""The imperative shell around the core of one agent.

inbox     events in, one at a time, to the only writer; urgent orders at once, the rest when it is quiet
effects   orders into deeds, each of which ends in an event
agent     one agent from start to end: what is built, adopted, connected, and left behind
looks     a selector that notes when it was asked, which bounds how long a death went unnoticed
events    what people are told: event log on disk, and whoever listens
window    what those see who look at the agent from another thread
screen    the dashboard: a thread that draws and reads keys; terminal, keyboard and errands are its parts
control   the socket by which commands on this host ask the agent
statedir  where an agent keeps what must outlive it
ledger    what the next agent has to know of this one
"""
