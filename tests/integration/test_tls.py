"""A real ZooKeeper that speaks only TLS, and only with whom it knows: agents, commands, and what goes wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from tests.integration.test_openssl import has_openssl
from tests.support.certificates import Authority, Certificate
from tests.support.pools import Pool
from tests.support.processes import Processes
from tests.support.real_zookeeper import RealZooKeeper


class Secrets:
    """Who knows whom."""

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory)
        self.stranger = Authority(directory, "stranger")
        self.mine = self.authority.issue("mine")
        self.forged = self.stranger.issue("forged")

    def options(self, authority: Authority, certificate: Certificate | None) -> tuple[str, ...]:
        """As they are typed."""
        own = () if certificate is None else ("--zk-cert", str(certificate.cert), "--zk-key", str(certificate.key))
        return ("--zk-ca", str(authority.certificate.cert), *own)

    @property
    def environment(self) -> dict[str, str]:
        """As they are in the environment; here certificate and key are in one file."""
        both = self.mine.cert.with_name("both.pem")
        both.write_text(self.mine.cert.read_text() + self.mine.key.read_text())
        return {"AUTOHEALER_ZK_CA": str(self.authority.certificate.cert), "AUTOHEALER_ZK_CERT": str(both)}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    return Secrets(tmp_path_factory.mktemp("secrets"))


@pytest.fixture(scope="module")
def zookeeper(secrets: Secrets) -> Iterator[RealZooKeeper]:
    with RealZooKeeper(trust=secrets.authority) as server:
        yield server


@pytest.fixture
def talk(secrets: Secrets, zookeeper: RealZooKeeper, processes: Processes) -> tuple[Secrets, RealZooKeeper, Processes]:
    return secrets, zookeeper, processes


def test_a_pool_by_tls(
    secrets: Secrets, zookeeper: RealZooKeeper, processes: Processes, connect: Callable[[str], KazooClient]
) -> None:
    """Options or environment: agents, commands and the plain tools find each other, and a kill is healed."""
    pool = Pool(processes, f"{zookeeper.hosts}/pool", connect)
    agent = pool.run(2, options=secrets.options(secrets.authority, secrets.mine))
    former = pool.until_running(2)
    pool.until_registered(2)
    assert has_openssl(agent.pid)
    typed = pool.call("scale", "3", *secrets.options(secrets.authority, secrets.mine))
    assert (typed.returncode, typed.stderr) == (0, "")
    pids = pool.until_running(3)
    assert former.items() <= pids.items()

    def found(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = processes.environment(secrets.environment)
        return processes.run_autohealer(*arguments, env=command)

    assert found("status", "--zk", str(pool.zk)).returncode == 0
    assert len(found("zk", "--zk", str(pool.zk), "ls", "/workers").stdout.split()) == 3
    assert found("stop", "--zk", str(pool.zk)).returncode == 0
    assert pool.ended() == 0


@pytest.mark.parametrize(
    ("who", "hosts", "why"),
    [
        (("stranger", "mine"), None, "its certificate is not accepted: "),
        (("authority", "forged"), None, "the server ends the handshake; "),
        (("authority", None), None, "the server ends the handshake; "),
        (("authority", "mine"), "localhost", "its certificate is not accepted: Hostname mismatch"),
        (("authority", "mine"), "plain", "the server ends the handshake; "),
    ],
)
def test_what_keeps_them_from_talking(
    talk: tuple[Secrets, RealZooKeeper, Processes],
    who: tuple[str, str | None],
    hosts: str | None,
    why: str,
) -> None:
    """One line that tells it, and exit code 3."""
    (secrets, zookeeper, processes), (authority, certificate) = talk, who
    port = zookeeper.hosts.rpartition(":")[2] if hosts != "plain" else str(zookeeper.plain_port)
    host = "localhost" if hosts == "localhost" else "127.0.0.1"
    options = secrets.options(getattr(secrets, authority), getattr(secrets, certificate) if certificate else None)
    where = ("--zk", f"{host}:{port}", *options)
    for command in (
        ("run", "1", *where, "--connect-timeout", "0.5", "--", "sleep", "1000"),
        ("elect", *where, "--connect-timeout", "0.5"),
    ):
        answer = processes.run_autohealer(*command)
        assert (answer.returncode, answer.stderr.count("\n")) == (3, 1), answer
        assert answer.stderr.startswith(f"error: no TLS with ZooKeeper at {host}:{port}: {why}")
        assert answer.stderr.endswith("; check --zk-ca, --zk-cert and --zk-key\n")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--zk-ca", "/absent"), "--zk-ca /absent cannot be read: No such file or directory; "),
        (("--zk-ca", "/dev/null"), "--zk-ca /dev/null holds no certificate; "),
        (("--zk-key", "/dev/null"), "--zk-key is given without --zk-cert; "),
        (("--zk-cert", "/dev/null"), "--zk-cert /dev/null and --zk-key /dev/null are no certificate and its key; "),
    ],
)
def test_files_of_no_use(processes: Processes, options: tuple[str, ...], error: str) -> None:
    """Said at once, and not as a connection that never comes."""
    answer = processes.run_autohealer("status", "--zk", "127.0.0.1:1", *options)
    assert (answer.returncode, answer.stderr.count("\n")) == (2, 1), answer
    assert answer.stderr.startswith(f"error: {error}")


def test_a_key_with_a_passphrase_asks_nobody(secrets: Secrets, processes: Processes, tmp_path: Path) -> None:
    """There is nobody when a connection is made anew."""
    locked = tmp_path / "locked.key"
    lock = ("openssl", "pkcs8", "-topk8", "-passout", "pass:secret", "-in", str(secrets.mine.key), "-out", str(locked))
    subprocess.run(lock, check=True, capture_output=True)
    files = ("--zk-cert", str(secrets.mine.cert), "--zk-key", str(locked))
    answer = processes.run_autohealer("status", "--zk", "127.0.0.1:1", *files)

    assert (answer.returncode, answer.stderr) == (
        2,
        "error: the key of --zk-key is locked by a passphrase; give one without, in a file that only you read\n",
    )


def test_the_server_inside_speaks_none(secrets: Secrets, processes: Processes) -> None:
    answer = processes.run_autohealer("run", "1", "--", "sleep", "1000", env=secrets.environment)

    assert answer.returncode == 2
    assert answer.stderr.startswith("error: TLS is asked for without --zk; ")
