"""The dashboard: a Textual application in a process of its own, fed by the control socket of an agent.

show        runs the application on this terminal; ``__main__`` does, as the process that an agent starts
app         the application: what it knows, its screens, its clock
asking      what is asked of the pool, and the questions before it
state       the pool as the feed has told it; history folds the events
findings    whether all is as wanted, and why not, in words
ordering    in what order workers are listed
charts      curves in characters
output      workers' output files, read as they grow
past        what happened before it was opened
pools       the pools of this host
source      where the news comes from and where operations go: `agent_source`, an agent of this host; `cluster_source`,
            a pool of several hosts
background  calls that may wait long
driver      the terminal: Ctrl-C stays a signal to the agent
keyboard    what it sends, made fit for Textual
theme       colours, dark, light and none
widgets     what screens are made of
screens     the pool, a worker, all output, all pools, questions, help

The agent shares no interpreter with it and imports none of it. It looks at the pool and asks for operations; it
decides nothing, and what it shows is what the agent says.
"""
