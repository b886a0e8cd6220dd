"""The imperative shell around the core: an agent process and the pools that it runs.

agent_process    what exists once: loop, signals, reaper, embedded server
running_pools    the pools of the process: begun, exchanged after a reload, run to their ends
service_manager  what systemd is told: ready, alive, how the pools stand
signals          what signals to an agent mean
claim            a pool's folder, held: lock, ledger, command
reload           the configuration file is read again, and what differs applied; made by ``reloading``
shared           what the process lends to each pool
embedded_server  the ZooKeeper server inside the process
pool_runner      one pool from start to end: what is adopted, connected, kept up, and left behind
pool_parts       what it consists of, wired together
pool_end         how it ends, decided once
pool_answers     what it answers to those who ask here: socket, page, dashboard
announcer        what people are told of it: events and warnings
launcher         what workers are launched with, made once for each revision
revisions        what lives are started from, by number: present, former, and on trial
first_contact    the wait for the first session with ZooKeeper, told and given up
taking_over      what a former agent here has left: adopted, and the core told what it knew
pool_watchdog    the watchdog of a pool that may never have too many workers
inbox            events in, one at a time, to the only writer; urgent orders at once, the rest when it is quiet
senses           what looks at workers, as the options ask for it, and posts what it sees
probing          the probes of a pool, made from its options
log_sense        the line of output by which a worker is ready
sampler          the one sampler of memory and CPU time, while somebody looks or a limit asks
effects          orders into deeds, each of which ends in an event
roster           the workers that have a process, and what of them the ledger does not hold yet
connections      which workers hold a connection to ZooKeeper
worker_output    what workers write: where that of each stands, and the last of it
standby_pipes    how spares are told that they are needed
ledger           what the next agent has to know of this one; ``ledger_writer`` writes it while the agent runs
private_files    files and folders of our own: nothing through a link, nothing that is no regular file
state_dir        where an agent keeps what must outlive it
disk_writer      a thread that writes: a disk that stalls holds up no heal
state_guard      makes that again when it is removed under an agent that runs
event_log        what people are told: on disk, and to whoever listens
incident_news    incidents on their way there: of one that changes in a batch the last is told
incident_store   the incidents of a pool, in a small database by a thread of its own
incident_reader  what is known of them: from the disk, and from the agent what is not there yet
control          the socket by which programs on this host ask the agent, and ask it for things: the agent's end;
                 ``control_client`` is the other end, ``control_messages`` what goes over it
pool_rollout     a rollout of all agents by turns, as seen by the one that was asked for it
operations       what people ask for, whichever way it comes: checked, carried out once, answered
agent_handle     what those see who look at the agent from another thread
timing_selector  a selector that notes when it was asked, which bounds how long a death went unnoticed
clock            the one clock of an agent
printer          lines to a stream that cannot slow anything
feed             what a dashboard is told by that socket: all there is, then what changes
dashboard        the dashboard's process: started behind the workers, and followed by lines or by another one
terminal         the terminal's modes, saved before it and restored after it
foreground       a program that goes on until it is told to stop: the signals and the end of the next two
election_runner  a candidate of ``elect``, its command and its watchdog
register         an address in the service registry while a command runs
doctor           what is wrong with a set-up, and what to do
recorder         the flight recorder, and what it recorded run again
notifier         notices to people elsewhere, by a process of its own
drill            faults on request, and whether the pool held
"""
