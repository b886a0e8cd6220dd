"""Every option of ``run``, once. To add one, add a field here: it is then on the command line, in the environment, in
the configuration file, its JSON schema and its reference page, and in the completion of shells.

The field's name is the option's with `_` for `-`; the order is that of ``run --help``.
"""

from typing import Annotated, Literal

import msgspec

from autohealer.config.exits import Exits
from autohealer.config.kinds import Choice, Duration, FilePath, Flag, Integer, SignalNumber, Size, Text, Variable
from autohealer.config.options import Change, Group, Option, Place, fields_of
from autohealer.config.special_kinds import CountOrPart, FileMode, Hosts, Limit, ListenAddress, PoolName, Ready
from autohealer.core.model import MOST_WORKERS, ExitOn, OnPartition, RegistrationMode, RestartPolicy

LAST_PORT = 65_535
DEFAULT_POOL = "default"


class AgentOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns the agent process as a whole; in a configuration file it stands in ``[defaults]``."""

    zk: Annotated[
        str | None,
        Option(
            Hosts(),
            "Connection string of a ZooKeeper ensemble.",
            Group.ZOOKEEPER,
            Change.RESTART,
            example="zk1:2181,zk2:2181,zk3:2181/site",
            unset="a server inside the agent",
        ),
    ] = None
    zk_ca: Annotated[
        str | None,
        Option(
            FilePath(),
            "Speak TLS to ZooKeeper; the authority that vouches for it, in PEM.",
            Group.ZOOKEEPER,
            Change.RESTART,
            example="/etc/autohealer/ca.pem",
        ),
    ] = None
    zk_cert: Annotated[
        str | None,
        Option(
            FilePath(),
            "The certificate to show to ZooKeeper, in PEM.",
            Group.ZOOKEEPER,
            Change.RESTART,
            example="/etc/autohealer/me.pem",
        ),
    ] = None
    zk_key: Annotated[
        str | None,
        Option(
            FilePath(),
            "Its key, in PEM; by default in the file of --zk-cert.",
            Group.ZOOKEEPER,
            Change.RESTART,
            example="/etc/autohealer/me.key",
        ),
    ] = None
    session_timeout: Annotated[
        float,
        Option(Duration(0.4), "ZooKeeper session timeout of the agent.", Group.ZOOKEEPER, Change.RESTART),
    ] = 6.0
    connect_timeout: Annotated[
        float,
        Option(Duration(0.1), "How long to wait for ZooKeeper at the start.", Group.ZOOKEEPER, Change.RESTART),
    ] = 15.0
    state_dir: Annotated[
        str | None,
        Option(
            FilePath("DIRECTORY"),
            "Where agents on this host keep their state.",
            Group.VIEW,
            Change.RESTART,
            example="/var/lib/autohealer",
            unset="$XDG_STATE_HOME/autohealer",
        ),
    ] = None
    dashboard: Annotated[
        bool | None,
        Option(
            Flag(),
            "Show the pool live, or print a line for each event.",
            Group.VIEW,
            Change.RESTART,
            example="false",
            unset="live, where stdout is a terminal",
        ),
    ] = None
    http: Annotated[
        str | None,
        Option(
            Text("HOST:PORT"),
            "Serve a page, metrics and an API there; needs the extra http.",
            Group.VIEW,
            Change.RESTART,
            example="127.0.0.1:8080",
        ),
    ] = None
    http_host: Annotated[
        tuple[str, ...],
        Option(
            Text("NAME"),
            "A name by which a proxy calls that; repeatable.",
            Group.VIEW,
            Change.RESTART,
            example="pool.example.org",
            many=True,
        ),
    ] = ()
    allow_drill: Annotated[
        bool,
        Option(
            Flag(),
            "Let `autohealer drill` do harm to this agent and its workers.",
            Group.VIEW,
            Change.RESTART,
            example="true",
        ),
    ] = False
    json: Annotated[
        bool,
        Option(
            Flag(),
            "Print events as JSON, one object a line.",
            Group.VIEW,
            Change.RESTART,
            example="true",
        ),
    ] = False


class PoolOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What concerns one pool; in a configuration file it stands in ``[pools.NAME]``, or for all in ``[defaults]``."""

    pool: Annotated[
        str,
        Option(PoolName(), "Name of the pool.", Group.POOL, Change.RESTART, example="web", unset=DEFAULT_POOL),
    ] = DEFAULT_POOL
    workers: Annotated[
        int,
        Option(
            Integer(0, MOST_WORKERS),
            "How many workers the whole pool has.",
            Group.POOL,
            Change.SCALE,
            example="10",
            place=Place.FILE,
        ),
    ]
    command: Annotated[
        tuple[str, ...],
        Option(
            Text("CMD"),
            "The command of the workers. In it, {slot}, {port} and {worker} are replaced.",
            Group.POOL,
            Change.ROLLOUT,
            example="python worker.py",
            many=True,
            place=Place.FILE,
        ),
    ]
    shell: Annotated[
        bool,
        Option(
            Flag(),
            "The command is a line for /bin/sh; without it, text is split as a shell would, and run by none.",
            Group.POOL,
            Change.ROLLOUT,
            place=Place.FILE,
        ),
    ] = False
    after: Annotated[
        tuple[str, ...],
        Option(
            PoolName(),
            "Pools that have to have been ready once before the first workers of this one are started.",
            Group.POOL,
            Change.NOTHING,
            example="db",
            many=True,
            place=Place.FILE,
        ),
    ] = ()
    on_partition: Annotated[
        OnPartition,
        Option(
            Choice("keep", "stop"),
            "Cut off from ZooKeeper: keep the workers (at least N), or stop them before others start theirs (at"
            " most N).",
            Group.POOL,
            Change.RESTART,
        ),
    ] = OnPartition.KEEP
    capacity: Annotated[
        int | None,
        Option(
            Integer(0),
            "The most workers that this agent takes.",
            Group.POOL,
            Change.RESTART,
            example="20",
            unset="no bound",
        ),
    ] = None
    drain_timeout: Annotated[
        float,
        Option(Duration(), "How long to wait at the end for others to take over.", Group.STOPPING, Change.NOTHING),
    ] = 30.0
    registration: Annotated[
        RegistrationMode,
        Option(
            Choice("auto", "self", "agent"),
            "Who registers workers under /workers: themselves, the agent for them, or whichever is seen to work.",
            Group.REGISTRATION,
            Change.RESTART,
        ),
    ] = RegistrationMode.AUTO
    register_grace: Annotated[
        float,
        Option(Duration(), "How long a registration may be missing.", Group.REGISTRATION, Change.NOTHING),
    ] = 2.0
    start_timeout: Annotated[
        float,
        Option(Duration(), "How long a worker may take until it is ready.", Group.REGISTRATION, Change.NOTHING),
    ] = 60.0
    ready: Annotated[
        str | None,
        Option(
            Ready(),
            "When a worker counts as ready: registered, probe, notify (READY=1), log:REGEX (a line that it writes),"
            " after:SECONDS, or started.",
            Group.HEALTH,
            Change.NOTHING,
            example="notify",
            unset="probe where there is one, notify once a worker has said READY=1, else registered",
        ),
    ] = None
    probe_http: Annotated[
        tuple[str, ...],
        Option(
            Text("URL"),
            "Ask each worker by HTTP whether it is well. {port}, {slot}, {worker} and {pid} are replaced; repeatable,"
            " all must pass.",
            Group.HEALTH,
            Change.NOTHING,
            example="http://127.0.0.1:{port}/healthz",
            many=True,
        ),
    ] = ()
    probe_tcp: Annotated[
        tuple[str, ...],
        Option(
            Text("[HOST:]PORT"),
            "Connect to each worker; repeatable.",
            Group.HEALTH,
            Change.NOTHING,
            example="{port}",
            many=True,
        ),
    ] = ()
    probe_exec: Annotated[
        tuple[str, ...],
        Option(
            Text("CMD"),
            "Run a command for each worker, in its environment and by no shell; exit code 0 is good; repeatable.",
            Group.HEALTH,
            Change.NOTHING,
            example="./check --port {port}",
            many=True,
        ),
    ] = ()
    probe_interval: Annotated[
        float,
        Option(
            Duration(0.01),
            "Between two questions. Until the first success a worker is asked more often.",
            Group.HEALTH,
            Change.NOTHING,
        ),
    ] = 10.0
    probe_timeout: Annotated[
        float,
        Option(
            Duration(0.01),
            "How long an answer may take.",
            Group.HEALTH,
            Change.NOTHING,
        ),
    ] = 2.0
    probe_failures: Annotated[
        int,
        Option(
            Integer(1, 1000),
            "A worker that was well and has failed so often in a row is replaced.",
            Group.HEALTH,
            Change.NOTHING,
        ),
    ] = 3
    probe_status: Annotated[
        str,
        Option(
            Text("LIST"),
            "Which HTTP statuses are good.",
            Group.HEALTH,
            Change.NOTHING,
        ),
    ] = "200-399"
    beat_timeout: Annotated[
        float | None,
        Option(
            Duration(0.01),
            "Replace a ready worker that has not said WATCHDOG=1 (worker.beat) for so long, and is not idle.",
            Group.HEALTH,
            Change.NOTHING,
            example="30",
            unset="off",
        ),
    ] = None
    task_timeout: Annotated[
        float | None,
        Option(
            Duration(0.01),
            "Replace a worker that is at one task (worker.task) for longer, where the task has no limit of its own.",
            Group.HEALTH,
            Change.NOTHING,
            example="5m",
            unset="none",
        ),
    ] = None
    progress_http: Annotated[
        str | None,
        Option(
            Text("URL#NAME"),
            "A number that grows with finished work: a Prometheus sample of that page, or a JSON pointer.",
            Group.HEALTH,
            Change.NOTHING,
            example="http://127.0.0.1:{port}/metrics#jobs_done_total",
            unset="none",
        ),
    ] = None
    progress_busy: Annotated[
        str | None,
        Option(
            Text("URL#NAME"),
            "Expect progress only while this number is above 0.",
            Group.HEALTH,
            Change.NOTHING,
            example="http://127.0.0.1:{port}/metrics#jobs_waiting",
            unset="none",
        ),
    ] = None
    progress_timeout: Annotated[
        float,
        Option(
            Duration(0.01),
            "Replace a worker whose progress stands still for so long.",
            Group.HEALTH,
            Change.NOTHING,
        ),
    ] = 120.0
    stopped_timeout: Annotated[
        float,
        Option(
            Duration(),
            "Replace a worker whose process is stopped (SIGSTOP) for so long, and not by a debugger; 0: never.",
            Group.HEALTH,
            Change.NOTHING,
        ),
    ] = 10.0
    silence_timeout: Annotated[
        float | None,
        Option(
            Duration(0.01),
            "Replace a worker that neither writes anything nor uses CPU time for so long.",
            Group.HEALTH,
            Change.NOTHING,
            example="10m",
            unset="off",
        ),
    ] = None
    max_rss: Annotated[
        int | None,
        Option(
            Size(),
            "Replace a worker that uses more memory: its replacement comes first, one at a time.",
            Group.HEALTH,
            Change.NOTHING,
            example="500M",
            unset="none",
        ),
    ] = None
    kill_rss: Annotated[
        int | None,
        Option(
            Size(),
            "Kill a worker that uses more memory, at once.",
            Group.HEALTH,
            Change.NOTHING,
            example="1G",
            unset="none",
        ),
    ] = None
    rss_of: Annotated[
        Literal["worker", "tree"],
        Option(
            Choice("worker", "tree"),
            "Whose memory counts: the worker's process alone, or all that descends from it.",
            Group.HEALTH,
            Change.NOTHING,
        ),
    ] = "tree"
    max_age: Annotated[
        float | None,
        Option(
            Duration(0.01),
            "Replace a worker that is older, give or take a tenth: its replacement comes first, one at a time.",
            Group.HEALTH,
            Change.NOTHING,
            example="1d",
            unset="none",
        ),
    ] = None
    max_faulty: Annotated[
        int | float,
        Option(
            CountOrPart(),
            "No more than so many of this agent's workers are being replaced at once because they are faulty; at"
            " least 1.",
            Group.HEALTH,
            Change.NOTHING,
        ),
    ] = 0.25
    stop_signal: Annotated[
        int,
        Option(SignalNumber(), "What asks a worker to stop.", Group.STOPPING, Change.NOTHING),
    ] = 15
    stop_timeout: Annotated[
        float,
        Option(Duration(), "How long it has before SIGKILL.", Group.STOPPING, Change.NOTHING),
    ] = 10.0
    stop_scope: Annotated[
        Literal["worker", "group"],
        Option(
            Choice("worker", "group"),
            "Who gets the stop signal: the worker's own process, or its whole process group, as wrapper shells need.",
            Group.STOPPING,
            Change.NOTHING,
        ),
    ] = "worker"
    stable_after: Annotated[
        float,
        Option(Duration(0.001), "A worker that lives so long earns a restart back.", Group.RESTARTS, Change.NOTHING),
    ] = 10.0
    backoff_max: Annotated[
        float,
        Option(Duration(), "The longest wait before a restart.", Group.RESTARTS, Change.NOTHING),
    ] = 30.0
    restart: Annotated[
        RestartPolicy,
        Option(
            Choice("always", "on-failure", "never"),
            "Which end of a worker is followed by a start: any; one that is no success; none. A worker whose end is not"
            " followed by a start is done, or failed; the agent ends when all are.",
            Group.RESTARTS,
            Change.RESTART,
        ),
    ] = RestartPolicy.ALWAYS
    ok_exit: Annotated[
        tuple[int | str, ...],
        Option(
            Exits(),
            "Exit codes and signals that are success, instead of 0.",
            Group.RESTARTS,
            Change.NOTHING,
            example="0,3,SIGTERM",
        ),
    ] = (0,)
    exit_on: Annotated[
        ExitOn,
        Option(
            Choice("never", "any-failed", "all-failed", "first-exit"),
            "End the agent when a worker has ended for good: any that failed, all of them failed, or the first one.",
            Group.RESTARTS,
            Change.NOTHING,
        ),
    ] = ExitOn.NEVER
    max_failures: Annotated[
        int | None,
        Option(
            Integer(1),
            "Give up when a worker has failed so often in a row.",
            Group.RESTARTS,
            Change.NOTHING,
            example="5",
            unset="never gives up",
        ),
    ] = None
    spares: Annotated[
        int,
        Option(
            Integer(0, 1000),
            "How many more processes each agent keeps started and waiting, to take the place of a dead worker.",
            Group.POOL,
            Change.RESTART,
            example="2",
        ),
    ] = 0
    env: Annotated[
        dict[str, str],
        Option(
            Variable(),
            "A variable for the workers' environment; repeatable.",
            Group.LAUNCH,
            Change.ROLLOUT,
            example="LEVEL=debug",
            many=True,
        ),
    ] = msgspec.field(default_factory=dict)
    env_file: Annotated[
        str | None,
        Option(
            FilePath(),
            "Variables for the workers' environment, a line K=V each, quoted as in systemd's EnvironmentFile; --env"
            " goes before them.",
            Group.LAUNCH,
            Change.ROLLOUT,
            example="web.env",
        ),
    ] = None
    cwd: Annotated[
        str | None,
        Option(
            FilePath("DIRECTORY"),
            "Working directory of the workers.",
            Group.LAUNCH,
            Change.ROLLOUT,
            example="/srv/web",
            unset="this one",
        ),
    ] = None
    limit: Annotated[
        dict[str, str],
        Option(
            Limit(),
            "A limit of the workers' resources, as ulimit has it; repeatable.",
            Group.LAUNCH,
            Change.ROLLOUT,
            example="nofile=4096:8192",
            many=True,
        ),
    ] = msgspec.field(default_factory=dict)
    user: Annotated[
        str | None,
        Option(
            Text("NAME"),
            "Run the workers as this user; only root can.",
            Group.LAUNCH,
            Change.ROLLOUT,
            example="www-data",
            unset="the agent's",
        ),
    ] = None
    group: Annotated[
        str | None,
        Option(
            Text("NAME"),
            "Run the workers in this group.",
            Group.LAUNCH,
            Change.ROLLOUT,
            example="www-data",
            unset="that user's groups",
        ),
    ] = None
    umask: Annotated[
        int | None,
        Option(
            FileMode(),
            "Permissions that files which workers make do not get.",
            Group.LAUNCH,
            Change.ROLLOUT,
            example="027",
            unset="the agent's",
        ),
    ] = None
    nice: Annotated[
        int | None,
        Option(
            Integer(-20, 19),
            "Scheduling priority of the workers, from -20 to 19; less than the agent's needs root.",
            Group.LAUNCH,
            Change.ROLLOUT,
            example="5",
            unset="the agent's",
        ),
    ] = None
    port_base: Annotated[
        int | None,
        Option(
            Integer(1, LAST_PORT),
            "Give each worker PORT = this + its slot.",
            Group.LAUNCH,
            Change.ROLLOUT,
            example="8000",
        ),
    ] = None
    listen: Annotated[
        tuple[str, ...],
        Option(
            ListenAddress(),
            "Bind it once and hand it to all workers, as LISTEN_FDS from descriptor 3 on; {fd} in CMD is replaced."
            " Repeatable.",
            Group.LAUNCH,
            Change.RESTART,
            example="tcp:0.0.0.0:8000",
            many=True,
        ),
    ] = ()
    stdin: Annotated[
        Literal["null", "open"],
        Option(
            Choice("null", "open"),
            "What workers read from standard input: its end at once, or nothing for ever.",
            Group.LAUNCH,
            Change.ROLLOUT,
        ),
    ] = "null"
    log: Annotated[
        Literal["file", "stdout", "none", "journald"],
        Option(
            Choice("file", "stdout", "none", "journald"), "Where workers' output goes.", Group.OUTPUT, Change.ROLLOUT
        ),
    ] = "file"
    log_max_bytes: Annotated[
        int,
        Option(Size(), "Cut a worker's output file back beyond this.", Group.OUTPUT, Change.NOTHING),
    ] = 10 * 2**20


class NotifyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told of what: a ``[[notify]]`` of a configuration file. One of webhook, url-file and exec is given."""

    on: Annotated[
        tuple[str, ...],
        Option(
            Choice("crash-loop", "held", "below-target", "leader-lost", "rollout-undone", "recovered"),
            "Of what: conditions of a pool, not single deaths; recovered: once for each alarm that was sent.",
            Group.NOTICES,
            Change.NOTHING,
            example="crash-loop",
            many=True,
            place=Place.FILE,
        ),
    ]
    webhook: Annotated[
        str | None,
        Option(
            Text("URL"),
            "POST the notice there, as JSON.",
            Group.NOTICES,
            Change.NOTHING,
            example="https://example.org/hook",
            place=Place.FILE,
        ),
    ] = None
    url_file: Annotated[
        str | None,
        Option(
            FilePath(),
            "The same, to the URL in this file, which is read each time: a URL may be a secret.",
            Group.NOTICES,
            Change.NOTHING,
            example="hook.url",
            place=Place.FILE,
        ),
    ] = None
    exec: Annotated[
        tuple[str, ...],
        Option(
            Text("CMD"),
            "Run this command, with the notice as JSON on its stdin.",
            Group.NOTICES,
            Change.NOTHING,
            example="mail -s autohealer ops@example.org",
            many=True,
            place=Place.FILE,
        ),
    ] = ()
    format: Annotated[
        Literal["json", "slack"],
        Option(
            Choice("json", "slack"),
            "What a webhook gets: the whole notice, or a text as Slack wants it.",
            Group.NOTICES,
            Change.NOTHING,
            place=Place.FILE,
        ),
    ] = "json"
    for_: Annotated[
        float,
        Option(
            Duration(),
            "How long a condition must last before it is told.",
            Group.NOTICES,
            Change.NOTHING,
            place=Place.FILE,
        ),
    ] = 0.0
    every: Annotated[
        float,
        Option(
            Duration(1.0),
            "How soon the same is told again while it goes on, or comes again.",
            Group.NOTICES,
            Change.NOTHING,
            place=Place.FILE,
        ),
    ] = 900.0


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """What one agent process was asked for: by the command line, or by a file."""

    agent: AgentOptions
    pools: tuple[PoolOptions, ...]
    notify: tuple[NotifyOptions, ...] = ()
    file: str | None = None
    """The file's absolute path, where it is of one."""
    typed: dict[str, object] = {}
    """What the command line said beside the file, by fields of `AgentOptions`; it counts before the file."""


AGENT_FIELDS = fields_of(AgentOptions)
POOL_FIELDS = fields_of(PoolOptions)
NOTIFY_FIELDS = fields_of(NotifyOptions)
FIELDS = {**AGENT_FIELDS, **POOL_FIELDS}
