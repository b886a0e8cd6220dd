"""The session with zkCli that the course shows, word for word; and zkCli's own output beside ours."""

from __future__ import annotations

import re
import subprocess

from kazoo.client import KazooClient

from tests.cli.zkcli import ZkCli
from tests.support.processes import Processes
from tests.support.real_zookeeper import CLASS_PATH

COURSE = """\
help
ls /
create /parent "some parent data"
create /parent/child "some child data"
ls /parent
get /parent
get /parent/child
set /parent "some new parent data"
get /parent
create -s -e /parent/n_ "candidate"
ls /parent
deleteall /parent
ls /
quit
ls /never
"""
COURSE_OUTPUT = """\
[]
Created /parent
Created /parent/child
[child]
some parent data
some child data
some new parent data
Created /parent/n_0000000001
[child, n_0000000001]
[]
"""

# Of its connection zkCli tells as it comes and goes; the last words may be cut off by its end.
CONNECTED = re.compile(r"\nWATCHER::\n(?:\nWatchedEvent state:\w+ type:None path:null\n|$)")
READS = (
    "ls /",
    "ls -s /tree",
    "ls -R /tree",
    "ls /tree/empty",
    "get /tree",
    "get -s /tree/a",
    "get /tree/null",
    "get /tree/empty",
    "stat /tree/a/x",
    "getAcl /tree",
    "getAcl -s /tree/guarded",
)


def test_the_courses_session(zk: ZkCli) -> None:
    """Typed into the shell."""
    printed = zk.fine(stdin=COURSE)

    assert printed.startswith("Commands:\n")
    assert printed.endswith(COURSE_OUTPUT)


def test_the_courses_session_line_by_line(processes: Processes, zookeeper_hosts: str) -> None:
    """Each line by a command of its own, as a user types them."""

    def typed(*words: str) -> str:
        ended = processes.run_autohealer("zk", *words, env={"AUTOHEALER_ZK": zookeeper_hosts})
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    assert typed("create", "/parent", "some parent data") == "Created /parent\n"
    assert typed("create", "/parent/child", "some child data") == "Created /parent/child\n"
    assert typed("ls", "/parent") == "[child]\n"
    assert typed("set", "/parent", "some new parent data") == ""
    assert typed("get", "/parent") == "some new parent data\n"
    assert typed("deleteall", "/parent") == ""
    assert typed("ls", "/") == "[]\n"


def test_ephemerals_live_as_long_as_the_shell(zk: ZkCli) -> None:
    """The whole of it is one session."""
    assert zk.fine(stdin="create -e /a here\nget /a\ncreate -s -e /n_\n") == "Created /a\nhere\nCreated /n_0000000001\n"
    assert zk.fine("ls", "/") == "[]\n"


def test_the_shell_goes_on_after_errors_and_tells_the_first_one(zk: ZkCli) -> None:
    """A script's exit code is that of the first line that failed."""
    ended = zk(stdin='\nget /absent\nbogus\nget "open\nserve\naddauth ip 1\nls /\n')

    assert (ended.code, ended.out) == (1, "[]\n")
    assert [line.partition(";")[0] for line in ended.err.splitlines()] == [
        "error: Node does not exist: /absent",
        "error: Command not found: bogus",
        'error: get "open: No closing quotation',
        "error: Command not found: serve",
        "error: AUTOHEALER_ZK_AUTH is not understood",
    ]


def test_the_shell_helps(zk: ZkCli) -> None:
    """By zkCli's names too."""
    assert zk.fine(stdin="help getAcl\n").startswith("Usage: autohealer zk getAcl")
    assert zk.fine(stdin="ls --help\n").startswith("Usage: autohealer zk ls")


def test_watches_in_the_shell_are_told_when_they_fire(zk: ZkCli) -> None:
    """In zkCli's words, and before the next answer."""
    printed = zk.fine(stdin="create /a\nget -w /a\nset /a b\nls -w /a\ncreate /a/b\nget /a\n")

    for kind in ("NodeDataChanged", "NodeChildrenChanged"):
        assert f"\nWATCHER::\n\nWatchedEvent state:SyncConnected type:{kind} path:/a\n" in printed


def test_credentials_may_be_added_in_the_shell(zk: ZkCli) -> None:
    """They are typed on stdin there, and not an argument that others can see."""
    zk.fine(stdin="addauth digest user:secret\ncreate /mine data auth::cdrwa\n")

    assert zk("get", "/mine").code == 1
    assert zk.fine(stdin="addauth digest user:secret\nget /mine\nset /mine new\nget /mine\n") == "data\nnew\n"


def test_what_is_read_is_printed_as_zkcli_prints_it(zk: ZkCli, zookeeper_hosts: str) -> None:
    """Byte for byte, so that scripts made for zkCli go on working."""
    zk.fine(
        stdin="create /marker begin\ncreate /tree data\ncreate /tree/a 'some data'\ncreate /tree/b\ncreate /tree/a/x\n"
        'create /tree/a/y\ncreate /tree/a/x/deep\ncreate /tree/b/z\ncreate /tree/null\ncreate /tree/empty ""\n'
        "set /tree/a changed\ncreate /tree/guarded x world:anyone:r,digest:user:smGaoVKd/cQkjm7b88GyorAUz20=:cdrwa\n"
    )
    script = "\n".join(["get /marker", *READS, "quit", ""])
    command = ["java", "-cp", CLASS_PATH, "org.apache.zookeeper.ZooKeeperMain", "-server", zookeeper_hosts]
    theirs = subprocess.run(command, input=script, capture_output=True, text=True, timeout=60, check=True).stdout

    _, marker, printed = CONNECTED.sub("", theirs).partition("begin\n")
    assert marker + printed == zk.fine(stdin=script)


def test_zkcli_sees_what_we_wrote(zk: ZkCli, client: KazooClient) -> None:
    """All the ways to create one."""
    zk.fine("create", "/plain", "data")
    assert zk.fine("create", "-s", "/dir-", "data") == "Created /dir-0000000001\n"
    assert zk.fine("create", "-s", "/", "data") == "Created /0000000002\n"
    zk.fine("create", "-c", "/container")
    zk.fine("create", "-t", "100000", "/passing", "data")
    assert zk.fine("create", "-s", "--ttl", "100000", "/passing-") == "Created /passing-0000000005\n"

    assert client.get("/plain")[0] == b"data"
    assert client.get("/container")[0] is None
    assert sorted(client.get_children("/")) == [
        "0000000002", "container", "dir-0000000001", "passing", "passing-0000000005", "plain"
    ]  # fmt: skip
