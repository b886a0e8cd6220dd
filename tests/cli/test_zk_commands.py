"""What each command of ``autohealer zk`` prints, refuses and says about it, on both servers."""

from __future__ import annotations

import base64
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from autohealer.cli.support.progress import ProgressLine
from autohealer.cli.zk import session
from autohealer.cli.zk.show import printable
from autohealer.coordination.explorer.requests import Nodes
from autohealer.coordination.explorer.subtree import delete_all
from autohealer.errors import AutohealerError
from tests.cli.zkcli import ZkCli
from tests.support.processes import Processes, eventually

AUTH = "digest:user:secret"
HASH = "digest:user:5w9W4eL3797Y4Wq8AcKUPPk8ha4="


def nothing(_done: int, _total: int) -> None:
    """No progress is shown."""


# ---- what is printed


def test_json_is_for_programs(zk: ZkCli) -> None:
    """One object, with the same fields each time."""
    assert zk("create", "/a", "data", "--json").json == {"path": "/a"}
    assert zk("ls", "/", "--json").json == {"path": "/", "children": ["a"]}
    assert zk("ls", "-R", "/", "--json").json == {"path": "/", "paths": ["/", "/a"]}
    assert zk("ls", "-s", "/", "--json").json["stat"]["numChildren"] == 1
    got = zk("get", "/a", "--json").json
    assert (got["path"], got["data"], got["base64"]) == ("/a", "data", None)
    assert got["stat"] == zk("stat", "/a", "--json").json["stat"]
    assert got["stat"]["dataVersion"] == 0
    assert zk("set", "/a", "new", "--json").json["stat"]["dataVersion"] == 1
    assert zk("setacl", "/a", "world:anyone:ra", "--json").json["stat"]["aclVersion"] == 1
    acl = zk("getacl", "/a", "--json").json["acl"]
    assert acl == [{"scheme": "world", "id": "anyone", "perms": "ra"}]


def test_stats_are_printed_where_asked_for(zk: ZkCli) -> None:
    """With ``-s``, as zkCli."""
    zk.fine("create", "/a", "data")

    assert "dataVersion = 1\n" in zk.fine("set", "-s", "/a", "new")
    assert "aclVersion = 1\n" in zk.fine("setAcl", "-s", "/a", "world:anyone:cdrwa")
    assert "numChildren = 0\n" in zk.fine("stat", "/a")


@pytest.mark.parametrize(
    ("data", "shown", "json"),
    [
        (b"plain \xc3\xbc\n\tline", "plain ü\n\tline", None),
        (b"\x1b[31mred\x07\r", r"\x1b[31mred\x07\r", None),
        (b"\xc2\x9b2J\xe2\x80\xae", r"\x9b2J\u202e", None),
        (b"\xff\x00", r"\xff\x00", base64.b64encode(b"\xff\x00").decode()),
        (b"", "", None),
    ],
)
def test_data_is_shown_without_what_a_terminal_would_obey(
    zk: ZkCli, client: KazooClient, data: bytes, shown: str, json: str | None
) -> None:
    """Written out instead; and exactly where that is asked for."""
    client.create("/a", data)

    assert zk.fine("get", "/a") == f"{shown}\n"
    assert zk.fine("get", "--raw", "/a").encode("utf-8", "surrogateescape") == data
    assert zk("get", "/a", "--json").json["base64"] == json


def test_data_comes_from_stdin_for_a_dash(zk: ZkCli, client: KazooClient) -> None:
    """Whatever it is."""
    zk.fine("create", "/a", "-", stdin=b"\xff\x00first")
    assert client.get("/a")[0] == b"\xff\x00first"
    zk.fine("set", "/a", "-", stdin=b"\xff\x00second")
    assert client.get("/a")[0] == b"\xff\x00second"
    zk.fine(stdin="set /a -\n")
    assert client.get("/a")[0] == b"-"


def test_arguments_that_are_no_text_arrive_as_they_were_typed(zk: ZkCli, client: KazooClient) -> None:
    """The operating system hands over bytes."""
    zk.fine("create", "/a", b"\xff\xfe".decode("utf-8", "surrogateescape"))

    assert client.get("/a")[0] == b"\xff\xfe"


def test_names_are_printed_harmlessly() -> None:
    """ZooKeeper itself lets no control characters into names; marks that turn text around it does."""
    assert printable("a\u202eb\x1b]0;title\x07") == r"a\u202eb\x1b]0;title\x07"


# ---- versions and kinds


def test_versions_are_checked(zk: ZkCli) -> None:
    """Compare and set."""
    zk.fine("create", "/a")
    zk.fine("set", "-v", "0", "/a", "new")

    for refused in (
        ("set", "-v", "0", "/a", "x"),
        ("delete", "-v", "0", "/a"),
        ("setacl", "-v", "9", "/a", "world:anyone:r"),
    ):
        ended = zk(*refused)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("error: Version is not valid: /a; "), ended.err
    zk.fine("delete", "-v", "1", "/a")
    assert zk.fine("ls", "/") == "[]\n"


def test_an_ephemeral_of_a_single_command_is_said_to_end_with_it(zk: ZkCli) -> None:
    """Or people would look for it in vain."""
    ended = zk("create", "-e", "/a")

    assert (ended.code, ended.out) == (0, "Created /a\n")
    assert "--hold" in ended.err
    assert zk.fine("ls", "/") == "[]\n"


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_hold_keeps_an_ephemeral_until_it_is_told_to_end(
    processes: Processes, zookeeper_hosts: str, client: KazooClient, ending: signal.Signals
) -> None:
    """And then takes it away at once."""
    held = processes.autohealer("zk", "create", "-e", "--hold", "/a", env={"AUTOHEALER_ZK": zookeeper_hosts})
    eventually(lambda: processes.read() == "Created /a\n")
    assert client.exists("/a").ephemeralOwner
    held.send_signal(ending)

    assert held.wait(20) == 0
    assert client.exists("/a") is None


def test_a_watch_of_a_single_command_is_waited_for(
    processes: Processes, zookeeper_hosts: str, client: KazooClient
) -> None:
    """Once: the first event ends it."""
    client.create("/a", b"first")
    watching = processes.autohealer("zk", "get", "-w", "/a", env={"AUTOHEALER_ZK": zookeeper_hosts})
    eventually(lambda: processes.read() == "first\n")
    client.set("/a", b"second")

    assert watching.wait(20) == 0
    assert "type:NodeDataChanged path:/a\n" in processes.read()


# ---- what is refused


@pytest.mark.parametrize(
    ("words", "code", "begins", "hint"),
    [
        ("get /absent", 1, "Node does not exist: /absent", "ls"),
        ("stat /absent", 1, "Node does not exist: /absent", "ls"),
        ("ls -R /absent", 1, "Node does not exist: /absent", "ls"),
        ("deleteall /absent", 1, "Node does not exist: /absent", "ls"),
        ("create /absent/a", 1, "Node does not exist: /absent", "zk create /absent"),
        ("create /a", 1, "Node already exists: /a", "set"),
        ("delete /a", 1, "Node not empty: /a", "deleteall"),
        ("get /guarded", 1, "Insufficient permission: /guarded", "AUTOHEALER_ZK_AUTH"),
        ("deleteall /zookeeper", 2, "/zookeeper is not deleted", "deleteall"),
        ("deleteall /zookeeper/quota", 2, "/zookeeper/quota is not deleted", "deleteall"),
        ("deleteall /", 2, "/ is not deleted", "deleteall"),
        ("get a", 2, "Path must start with /", "as in"),
        ("get /a/", 2, "Path must not end with /", "leave"),
        ("create /a/", 2, "Path must not end with /", "leave"),
        ("get /a//b", 2, "'/a//b' cannot be the path of a node", "name"),
        ("get /a/../b", 2, "'/a/../b' cannot be the path of a node", "name"),
        ("create /b x world:anyone:rz", 2, "'z' in 'world:anyone:rz' is no permission", "cdrwa"),
        ("setacl /a bogus", 2, "'bogus' does not have the form SCHEME:ID:PERMS", "world:anyone"),
        ("setacl /a world:nobody:r", 2, "Acl is not valid: /a", "world:anyone"),
        ("set -v x /a b", 2, "Invalid value for '-v'", "--help"),
        ("set -v -2 /a b", 2, "Invalid value for '-v'", "--help"),
        ("set /a", 2, "Missing argument 'DATA'", "--help"),
        ("create -e -c /b", 2, "of -e, -c and -t only one", "leave"),
        ("create --hold /b", 2, "--hold is for", "leave"),
        ("ls -R -s /", 2, "-R goes with neither", "stat"),
        ("serve --fsync", 2, "there is nothing to --fsync", "--data"),
        ("--auth-file /absent ls /", 2, "--auth-file /absent cannot be read", "digest:USER:PASSWORD"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_to_do(zk: ZkCli, words: str, code: int, begins: str, hint: str) -> None:
    """On stderr; the exit code tells a wrong command line from what ZooKeeper would not do."""
    zk.fine(stdin=f"create /a\ncreate /a/b\ncreate /guarded x {HASH}:cdrwa\n")
    ended = zk(*words.split())

    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(f"error: {begins}"), ended.err
    assert hint in ended.err.partition("; ")[2]
    assert ended.err.count("\n") == 1


def test_children_of_ephemerals_are_refused(zk: ZkCli) -> None:
    """By ZooKeeper, at any level."""
    ended = zk(stdin="create -e /a\ncreate /a/b\n")

    assert (ended.code, ended.err.partition(";")[0]) == (1, "error: Ephemerals cannot have children: /a/b")


@pytest.mark.parametrize("words", [("create", "/b", "-"), ("set", "/a", "-")])
def test_too_much_data_is_not_even_sent(zk: ZkCli, words: Sequence[str]) -> None:
    """ZooKeeper would break the connection without a word."""
    zk.fine("create", "/a")
    zk.fine(*words, stdin=b"x" * (1_048_575 - 200))
    ended = zk(*words[:1], "/c", "-", stdin=b"x" * 1_048_576)

    assert (ended.code, ended.out) == (2, "")
    assert "more than ZooKeeper takes; keep the data of a node below 1 MiB" in ended.err


def test_a_missing_chroot_is_named(zk: ZkCli, zookeeper_hosts: str) -> None:
    """For `/` seems to be there always."""
    for words in (("ls", "/"), ("create", "/a"), ("ls", "-R", "/")):
        ended = zk("--zk", f"{zookeeper_hosts}/absent", *words)
        assert ended.code == 1
        assert "/absent, the chroot of" in ended.err


# ---- credentials and addresses


def test_credentials_come_from_the_environment_or_a_file(
    zk: ZkCli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Never from an argument, where everybody on the host could read them."""
    file = tmp_path / "auth"
    file.write_text(f"{AUTH}\n")
    zk.fine("create", "--auth-file", str(file), "/mine", "data", "auth::cdrwa")

    assert zk("get", "/mine").code == 1
    assert zk.fine("--auth-file", str(file), "get", "/mine") == "data\n"
    monkeypatch.setenv("AUTOHEALER_ZK_AUTH", AUTH)
    assert zk.fine("get", "/mine") == "data\n"
    file.write_text("secret")
    ended = zk("get", "--auth-file", str(file), "/mine")
    assert ended.code == 2
    assert "secret" not in ended.err


def test_what_is_typed_counts_before_the_environment(
    zk: ZkCli, zookeeper_hosts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the command, before it, in the environment: in this order."""
    zk.fine("create", "/inner")
    monkeypatch.setenv("AUTOHEALER_ZK", f"{zookeeper_hosts}/absent")

    assert zk("ls", "/").code == 1
    assert zk.fine("--zk", zookeeper_hosts, "ls", "/") == "[inner]\n"
    assert zk.fine("ls", "--zk", zookeeper_hosts, "/") == "[inner]\n"
    assert zk.fine("--zk", f"{zookeeper_hosts}/absent", "ls", "--zk", f"{zookeeper_hosts}/inner", "/") == "[]\n"


def test_without_an_address_it_is_the_pools_zookeeper(processes: Processes) -> None:
    """As the agent on this host has written it down."""
    processes.autohealer("run", "1", "--", "sleep", "1000")
    eventually(lambda: "started" in processes.read())
    ended = processes.run_autohealer("zk", "ls", "/autohealer")

    assert (ended.returncode, ended.stdout) == (0, "[agents, plan, requests, target]\n")


def test_without_a_pool_it_is_the_usual_port(
    zk_at_nothing: ZkCli, zookeeper_hosts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of this host, as zkCli does."""
    assert session.USUAL == "localhost:2181"
    monkeypatch.setattr(session, "USUAL", zookeeper_hosts)

    assert zk_at_nothing.fine("ls", "/") == "[]\n"


def test_a_zookeeper_that_does_not_answer_is_said_to(zk_at_nothing: ZkCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """In time, with the exit code that stands for it."""
    monkeypatch.setattr("autohealer.cli.zk.session.ANSWER_S", 0.2)
    ended = zk_at_nothing("ls", "--zk", "127.0.0.1:1", "/")

    assert ended.code == 3
    assert ended.err == (
        "error: no ZooKeeper answers at 127.0.0.1:1 within 0.2 s; check --zk, and whether ZooKeeper runs\n"
    )


def test_a_bad_path_needs_no_zookeeper(zk_at_nothing: ZkCli) -> None:
    """It is wrong wherever it is."""
    assert zk_at_nothing("ls", "--zk", "127.0.0.1:1", "a").code == 2


# ---- deleteall


@pytest.fixture
def nodes(zookeeper_hosts: str) -> Iterator[Nodes]:
    with Nodes(zookeeper_hosts, 20.0) as found:
        yield found


def test_deleteall_deletes_a_large_tree(zk: ZkCli, client: KazooClient) -> None:
    """Wide and deep; what is beside it stays."""
    client.ensure_path("/tree/deep" + "/x" * 30)
    client.create("/tree-beside")
    for start in range(0, 2000, 200):
        transaction = client.transaction()
        for n in range(start, start + 200):
            transaction.create(f"/tree/{'long-' * 30}{n}")
        transaction.commit()

    assert zk.fine("deleteall", "/tree") == ""
    assert zk.fine("ls", "/") == "[tree-beside]\n"


def test_deleteall_tells_how_far_it_is(nodes: Nodes, client: KazooClient) -> None:
    """What it has found, then what it has deleted of that."""
    client.ensure_path("/tree/a/b")
    told: list[tuple[int, int]] = []
    delete_all(nodes, "/tree", lambda done, total: told.append((done, total)))

    assert told == [(0, 1), (0, 2), (0, 3), (3, 3)]


def test_deleteall_copes_with_what_others_do_meanwhile(
    nodes: Nodes, client: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nodes that come and go between its look and its deleting."""
    client.ensure_path("/tree/a/b")
    client.ensure_path("/tree/gone")
    original, interfered = nodes.delete_batches, threading.Event()

    def meanwhile(batches: Sequence[Sequence[str]]) -> Iterator[bool]:
        if not interfered.is_set():
            interfered.set()
            client.delete("/tree/gone")
            client.ensure_path("/tree/a/b/late/later")
        return original(batches)

    monkeypatch.setattr(nodes, "delete_batches", meanwhile)
    delete_all(nodes, "/tree", nothing)

    assert interfered.is_set()
    assert client.exists("/tree") is None


def test_deleteall_gives_up_on_a_node_that_is_created_again_and_again(
    nodes: Nodes, client: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than to race for ever."""
    original = nodes.delete_batches

    def meanwhile(batches: Sequence[Sequence[str]]) -> Iterator[bool]:
        client.create("/tree/n-", sequence=True)
        return original(batches)

    client.create("/tree")
    monkeypatch.setattr(nodes, "delete_batches", meanwhile)
    with pytest.raises(AutohealerError, match="somebody keeps creating nodes below /tree"):
        delete_all(nodes, "/tree", nothing)


def test_deleteall_says_what_it_may_not_delete(zk: ZkCli) -> None:
    """And deletes the rest."""
    zk.fine(stdin=f"create /tree\ncreate /tree/a\ncreate /tree/kept x {HASH}:cdrwa,world:anyone:r\ncreate /tree/b\n")
    assert zk("create", "/tree/kept/x").code == 1
    zk.fine(stdin=f"addauth {AUTH.replace(':', ' ', 1)}\ncreate /tree/kept/x\n")
    ended = zk("deleteall", "/tree")

    assert ended.code == 1
    assert "Insufficient permission: /tree/kept/x (3 nodes are left)" in ended.err
    assert zk.fine("ls", "-R", "/tree") == "/tree\n/tree/kept\n/tree/kept/x\n"


def test_progress_is_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is drawn in place, and gone at the end."""
    monkeypatch.setattr("autohealer.cli.support.progress.BAR_EVERY_S", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    progress = ProgressLine("deleted")
    progress(500, 1000)
    progress.end()
    drawn, wiped = capsys.readouterr().err.split("\r")[1:3]

    assert drawn == f"[{'#' * 15}{'-' * 15}] deleted 500 of 1,000"
    assert wiped.strip() == ""
    assert len(wiped) >= len(drawn)


def test_progress_is_a_line_now_and_then_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing at all where it is quick."""
    quick = ProgressLine("deleted")
    quick(500, 1000)
    quick.end()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("autohealer.cli.support.progress.LINE_EVERY_S", 0.0)
    slow = ProgressLine("deleted")
    slow(500, 1000)
    slow.end()

    assert capsys.readouterr().err == "deleted 500 of 1,000\n"
