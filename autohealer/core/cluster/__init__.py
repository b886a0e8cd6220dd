"""The agents of a pool together: who leads, who runs how many, and who may run anything.

leader           the leader's part: the plan
foreign          who is registered, and how many of them no live agent runs
membership       this agent's session, what it reads of the others, and what it says: all parts tied together
company          which agents are there, and whether this one may be among them
publication      what this agent says of itself, and when
policy           what all agents of a pool should agree on
plan             shares of a target over agents, in the end and on the way
assignment       the target as it stands, and this agent's share
judgements       what it means that something is listed: is it calm, whose is a name, what is a stray
registrations    who has registered, who stands in for whom, who has lost it
anonymous        registrations that name nobody: are they ours?
lease            how long one may act on what a session proves
turns            whose turn it is to roll out
fencing          may workers be run now? by the lease, where there may never be too many
election_runner  a candidate of ``elect``: may its command run?
"""
