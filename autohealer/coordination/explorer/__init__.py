"""Any ZooKeeper's nodes, whatever is in it: what ``autohealer zk`` and ``watch`` use.

requests         one request a method, answered within a time, errors in words
create_requests  what kazoo cannot create: containers, and nodes with a time to live
subtree          a node with all that is below it
node_follower    one node followed for as long as one likes
acl              ACLs as text
error_messages   what ZooKeeper refuses, in words
"""
