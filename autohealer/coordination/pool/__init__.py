"""An agent's place in its pool: orders in, events out.

cluster               all of the below as one
pool_connection       the link, base paths and name: when this agent is a member
leadership            its candidature, and what it follows while it leads
joining               which agent joins which pool
event_emitter         what is told, as events
paths                 the znode layout
codec                 bytes <-> model
base_paths            the persistent nodes that all else stands on
agent_registration    this agent's own entry; is its name its own?
agents                all live agents
ephemeral_node        a node that this agent keeps with each session
worker_registrations  workers' own registrations watched, stand-ins made, the dead's removed
listing               the children of /workers, for a leader
assignment            target and plan
departure             what is taken away when this agent leaves
requests              what people ask for
"""
