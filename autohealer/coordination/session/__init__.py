"""One session with ZooKeeper.

port           what is asked of a session, and of a client: the seam at which tests put their own in
link           requests and the session they run in, seen from the loop's thread
kazoo_session  kazoo behind that port
client         kazoo, as it is set up here
access         credentials and ACLs
ensemble       which ZooKeeper is meant, and how it is reached
host_names     whether the servers' names are known at all
scheduler      the loop in whose thread all of a cluster runs, and its clocks
server_clock   what ZooKeeper's clock shows
tls            which certificates, and why a server is not talked to
node_watcher   something in ZooKeeper, read anew whenever it may have changed
batch          creates and deletes by the dozen
"""
