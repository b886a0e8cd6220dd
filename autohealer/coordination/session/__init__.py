"""One session with ZooKeeper.

link          one kazoo client seen from the loop's thread: requests, and the session they run in
client        kazoo, as it is set up here
access        credentials and ACLs
tls           which certificates, and why a server is not talked to
node_watcher  something in ZooKeeper, read anew whenever it may have changed
batch         creates and deletes by the dozen
"""
