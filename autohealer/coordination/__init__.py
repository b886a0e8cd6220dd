"""ZooKeeper in plain words. Nothing else speaks to kazoo, and nothing here decides.

    session   one session with ZooKeeper: the client, credentials, TLS, batches, a node read anew when it changes
    pool      an agent's place in its pool: orders in, events out
    election  standing for election
    registry  addresses in the service registry
    admin     the synchronous face, for commands in another terminal
    explorer  any ZooKeeper's nodes, whatever is in it

    late_openssl  kazoo, and what else imports OpenSSL, imported without it

Orders are remembered as what is wanted, answers and watches as what is; whatever happens, the gap between the two is
closed again. A connection that breaks makes what was under way unknown, never lost and never done twice.
"""
