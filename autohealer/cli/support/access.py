"""As whom, and how, a command speaks to ZooKeeper: credentials from the environment or a file, TLS by options."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from autohealer.cli.support.late import Late
from autohealer.coordination.session.access import Access
from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.cli.support.where import Where
    from autohealer.config.schema import AgentOptions
    from autohealer.coordination.session.tls import Tls
else:  # it brings OpenSSL along
    Tls = Late("autohealer.coordination.session.tls").Tls


def access_of(options: Where | AgentOptions, auth_file: str | None = None) -> Access:
    """What the options say, and ``AUTOHEALER_ZK_AUTH`` where no file does. UsageError where it is of no use."""
    auth = os.environ.get("AUTOHEALER_ZK_AUTH") if auth_file is None else _credentials(auth_file)
    files = (options.zk_ca or None, options.zk_cert or None, options.zk_key or None)
    return Access.parse(auth, Tls(*files).check() if any(files) else None)


def _credentials(file: str) -> str:
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"--auth-file {file} cannot be read: {why}", "it should hold digest:USER:PASSWORD") from error
