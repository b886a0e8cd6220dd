"""ZooKeeper in our words. Nothing else speaks to kazoo, and nothing here decides.

    cluster        an agent's place in its pool: orders in, events out
    link           one kazoo client seen from the loop's thread: requests, and the session they run in
    client         kazoo, as it is set up here
    ground         the persistent nodes that all else stands on
    presence       this agent's own entry; is its name its own?
    election       standing for election
    registrations  workers' own registrations watched, stand-ins made, the dead's removed
    listing        the children of /workers, for a leader
    agents         all live agents        requests  what people ask for       pool  target and plan
    reading        something read anew whenever it may have changed
    bulk           creates and deletes by the dozen
    paths          the znode layout       entries   bytes <-> model           access  credentials and ACLs
    console        the synchronous face, for commands in another terminal

Beside the pools:

    candidate      one that stands for election       address   one address in the service registry
    services       who is in that registry, for commands

And for any ZooKeeper, whatever is in it:

    asking         requests by a thread that waits for the answers, and never longer than it was told to
    nodes          its nodes                  subtree   a node with all that is below it
    creating       what kazoo cannot create   refusals  what ZooKeeper refuses, in words    permissions  ACLs as text
    watching       one node followed for as long as one likes

Orders are remembered as what is wanted, answers and watches as what is; whatever happens, the gap between the two is
closed again. A connection that breaks makes what was under way unknown, never lost and never done twice.
"""
