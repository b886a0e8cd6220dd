"""The HTTP endpoint of an agent and its page, the extra ``http``: a thread of its own that can hold nothing up.

endpoint   the thread: begins when there is something to see, and breaks without breaking anything else
server     aiohttp: paths and answers
listening  HOST:PORT, and the socket that is bound before any worker is started
guard      who may ask for what: Host, Origin, token
token      the secret, from the environment or a file
agent      what is seen of the agent in this process
site       one pool: how it is looked at, what is asked of it, who listens to it
pool       the pool's status, made no more often than its price allows
feed       the last events, numbered, and those who listen
readiness  whether the agent does what it should
metrics    numbers for Prometheus
actions    what can be asked of the pool
connections  which connections are kept where there are too many
session    one connection to ZooKeeper for all who ask, while somebody does
page       the page itself, as files

Only `server` and `metrics` import what the extra installs, and they are imported in the thread.
"""
