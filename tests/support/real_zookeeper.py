"""A real Apache ZooKeeper, one server or an ensemble, from Debian's jars: the oracle of the tests.

Every socket is bound to 127.0.0.1, everything written is in a temporary directory, and a server dies with the
thread that started it, so that a test run that is killed leaves none behind.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.support.certificates import Authority

JARS = Path("/usr/share/java")
CLASS_PATH = f"{JARS}/zookeeper.jar:{JARS}/slf4j-simple.jar"
# Debian's ZooKeeper names only some of the parts of Netty that TLS needs.
NETTY = ":".join(f"{JARS}/netty-{part}.jar" for part in ("codec", "resolver"))
MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
QUICK_TO_START = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
JVM_FLAGS = (
    "-Djava.awt.headless=true",
    "-Dzookeeper.jmx.log4j.disable=true",
    "-Dznode.container.checkIntervalMs=1000",  # container and TTL nodes are swept so often (default 60 s)
)
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0


def available() -> str | None:
    """Why a real ZooKeeper cannot run here, or None where it can."""
    missing = [str(jar) for jar in map(Path, f"{CLASS_PATH}:{NETTY}".split(":")) if not jar.exists()]
    missing += [command for command in ("java", "openssl", "setpriv") if shutil.which(command) is None]
    if not missing:
        return None
    install = "apt-get install libzookeeper-java default-jdk-headless openssl util-linux"
    return f"real ZooKeeper cannot run here, for want of {', '.join(missing)}; try: {install}"


class ZooKeeperFailedError(RuntimeError):
    """A real server did not come up; the message holds the end of its log."""


@dataclass
class _Server:
    """One server: its place on disk and on the network, and its process while it has one."""

    directory: Path
    client_port: int
    tls_port: int | None = None
    process: subprocess.Popen[bytes] | None = None
    paused: bool = False

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)
        self.paused = number == signal.SIGSTOP

    def mode(self) -> str | None:
        """``standalone``, ``leader`` or ``follower``; None while it does not serve."""
        for line in four_letter_word(self.client_port, "srvr").splitlines():
            if line.startswith("Mode:"):
                return line.partition(":")[2].strip()
        return None


@dataclass
class RealZooKeeper:
    """``servers=1`` is a standalone server; with three or more it is an ensemble.

    Ticks are short, so that sessions end close to their timeout: a server looks for expired ones once a tick.
    """

    servers: int = 1
    tick_ms: int = 200
    max_session_ms: int = 60_000
    trust: Authority | None = None
    """Speak TLS, only with whom this authority vouches for, and as ``127.0.0.1`` alone."""
    jvm_flags: tuple[str, ...] = QUICK_TO_START
    _servers: list[_Server] = field(default_factory=list, init=False)
    _reserved: list[socket.socket] = field(default_factory=list, init=False)
    _directory: Path | None = field(default=None, init=False)

    @property
    def hosts(self) -> str:
        """The connection string of all servers."""
        return ",".join(f"127.0.0.1:{server.tls_port or server.client_port}" for server in self._servers)

    @property
    def patient_hosts(self) -> str:
        """The same thrice, for a plain kazoo client that is to live through a restart in one session.

        A server that is about to start may take a greeting, stumble (removeCnxn while there is no zkDb) and leave the
        connection open and silent. kazoo waits for the session timeout, divided by how many servers it knows.
        """
        return ",".join([self.hosts] * 3)

    @property
    def plain_port(self) -> int:
        """Where the first server speaks no TLS."""
        return self._servers[0].client_port

    def start(self) -> Self:
        """Start all servers, and return when each of them serves."""
        if reason := available():
            raise ZooKeeperFailedError(reason)
        self._directory = Path(tempfile.mkdtemp(prefix="real-zookeeper-"))
        try:
            self._configure(self._directory)
            for server in self._servers:
                self._spawn(server)
            for server in self._servers:
                self._wait_until_serving(server)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End all servers and remove what they wrote."""
        for server in self._servers:
            server.signal(signal.SIGCONT)
            server.signal(signal.SIGTERM)
        for server in self._servers:
            self._reap(server)
        for reserved in self._reserved:
            reserved.close()
        self._servers, self._reserved = [], []
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def kill(self, index: int) -> None:
        """What a crash looks like: SIGKILL. The data stays for ``restart``."""
        self._servers[index].signal(signal.SIGKILL)
        self._reap(self._servers[index])

    def pause(self, index: int) -> None:
        """Freeze one server; its connections stay open and silent."""
        self._servers[index].signal(signal.SIGSTOP)

    def resume(self, index: int) -> None:
        """Let a frozen server go on."""
        self._servers[index].signal(signal.SIGCONT)

    def restart(self, index: int) -> None:
        """Start one server anew on its data and port, ending it first where it runs; return when it serves."""
        server = self._servers[index]
        server.signal(signal.SIGCONT)
        server.signal(signal.SIGTERM)
        self._reap(server)
        self._spawn(server)
        self._wait_until_serving(server)

    def erase(self, index: int) -> None:
        """All that one server knows, while it is down: the next start is its first."""
        data = self._servers[index].directory / "data"
        shutil.rmtree(data / "version-2", ignore_errors=True)

    def restart_all(self) -> None:
        """Start all servers anew: of an ensemble, none serves before most of them run."""
        for server in self._servers:
            server.signal(signal.SIGCONT)
            server.signal(signal.SIGTERM)
        for server in self._servers:
            self._reap(server)
            self._spawn(server)
        for server in self._servers:
            self._wait_until_serving(server)

    def leader(self) -> int | None:
        """The index of the leader (of a standalone server: its own), None while there is none."""
        for index, server in enumerate(self._servers):
            if server.running and not server.paused and server.mode() in {"leader", "standalone"}:
                return index
        return None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _reserve_port(self) -> int:
        """A free port that stays ours while the server is down.

        Bound and not listening, our socket keeps everyone else away, and lets the server in, as both ask for
        SO_REUSEADDR.
        """
        reserved = socket.socket()
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        self._reserved.append(reserved)
        port: int = reserved.getsockname()[1]
        return port

    def _configure(self, directory: Path) -> None:
        common = [
            f"tickTime={self.tick_ms}",
            f"minSessionTimeout={2 * self.tick_ms}",
            f"maxSessionTimeout={self.max_session_ms}",
            "clientPortAddress=127.0.0.1",
            "maxClientCnxns=0",  # no bound: all workers share one address
            "admin.enableServer=false",
            "4lw.commands.whitelist=*",
            "forceSync=no",
            "extendedTypesEnabled=true",  # TTL nodes
            "preAllocSize=1024",  # KiB of log laid out at once (default 64 MiB)
        ]
        if self.servers > 1:
            # both are counted in ticks; a tick is short here, a busy machine is not
            common += [f"initLimit={20_000 // self.tick_ms}", f"syncLimit={5_000 // self.tick_ms}"]
            for number in range(1, self.servers + 1):
                ports = f"{self._reserve_port()}:{self._reserve_port()}"
                common.append(f"server.{number}=127.0.0.1:{ports}")
        for number in range(1, self.servers + 1):
            server = _Server(directory / str(number), self._reserve_port())
            data = server.directory / "data"
            data.mkdir(parents=True)
            (data / "myid").write_text(f"{number}\n")
            own = [f"dataDir={data}", f"clientPort={server.client_port}"]
            if self.trust is not None:
                server.tls_port = self._reserve_port()
                own += _tls(self.trust, server)
            (server.directory / "zoo.cfg").write_text("\n".join(common + own) + "\n")
            self._servers.append(server)

    def _spawn(self, server: _Server) -> None:
        java = [
            "java",
            *self.jvm_flags,
            *JVM_FLAGS,
            "-cp",
            f"{CLASS_PATH}:{NETTY}",
            MAIN,
            str(server.directory / "zoo.cfg"),
        ]
        with server.log.open("ab") as log:
            server.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *java],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=server.directory,
                start_new_session=True,  # a Ctrl-C at the tests must not race with our own stop
            )

    @staticmethod
    def _wait_until_serving(server: _Server) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while server.mode() is None:
            if not server.running or time.monotonic() > deadline:
                end = "".join(server.log.read_text(errors="replace").splitlines(keepends=True)[-30:])
                raise ZooKeeperFailedError(f"a real ZooKeeper server does not serve:\n{end}")
            time.sleep(0.02)

    @staticmethod
    def _reap(server: _Server) -> None:
        if server.process is None:
            return
        try:
            server.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait()
        server.paused = False


def _tls(trust: Authority, server: _Server) -> list[str]:
    """What makes a server speak TLS on a port of its own; on the other one it answers our question for its mode."""
    mine = trust.issue(f"server-{server.client_port}", "IP:127.0.0.1")
    both = server.directory / "server.pem"
    both.write_text(mine.key.read_text() + mine.cert.read_text())
    return [
        f"secureClientPort={server.tls_port}",
        "secureClientPortAddress=127.0.0.1",
        "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
        f"ssl.keyStore.location={both}",
        "ssl.keyStore.type=PEM",
        f"ssl.trustStore.location={trust.certificate.cert}",
        "ssl.trustStore.type=PEM",
        "ssl.clientAuth=need",
    ]


def four_letter_word(port: int, word: str) -> str:
    """What the server at ``port`` answers to ``word``; nothing where it does not answer."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(word.encode())
            pieces = iter(lambda: connection.recv(65536), b"")
            return b"".join(pieces).decode(errors="replace")
    except OSError:
        return ""
