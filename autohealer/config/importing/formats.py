"""Which format a file is in, and its pools as TOML."""

from __future__ import annotations

import re
from pathlib import Path

from autohealer.config import procfile
from autohealer.config.importing.pm2 import read_pm2
from autohealer.config.importing.pool import ImportedPool, simple_command, toml
from autohealer.config.importing.supervisord import read_supervisord
from autohealer.config.importing.systemd import read_systemd
from autohealer.config.source import read_text
from autohealer.errors import UsageError

KNOWN = "a supervisord.conf, a pm2 ecosystem file as JSON, a Procfile or a systemd unit"


def import_file(file: str) -> str:
    """The pools of a file of another supervisor, as TOML. Raises UsageError."""
    path = Path(file).absolute()
    if path.suffix in (".js", ".cjs", ".mjs", ".ts"):
        show = f"node -e 'console.log(JSON.stringify(require(\"./{path.name}\")))'"
        raise UsageError(f"{file} is code, which is not run here", f"give what this prints: {show}, or: pm2 prettylist")
    if path.suffix == ".toml":
        raise UsageError(f"{file} is a configuration already", f"run it: autohealer run --config {file}")
    if procfile.is_procfile(path):
        return toml(_of_procfile(path), file)
    text = read_text(path)
    if path.suffix == ".json" or re.match(r"\s*[\[{]\s*[\"{}\]]", text):
        return toml(read_pm2(text, path), file)
    if path.suffix == ".service" or re.search(r"^\[Service\]\s*$", text, re.MULTILINE):
        return toml(read_systemd(text, path), file)
    if re.search(r"^\[(program|supervisord|eventlistener|group|fcgi-program)[:\]]", text, re.MULTILINE):
        found = read_supervisord(text, path)
        if not found.pools:
            raise UsageError(f"there is no [program:NAME] in {file}", "import the files that it includes")
        return toml(found.pools, file, found.remarks)
    raise UsageError(f"the format of {file} is not known", f"give {KNOWN}")


def _of_procfile(path: Path) -> list[ImportedPool]:
    source = procfile.read(path.absolute(), {})
    pools = []
    for name, table in source.data["pools"].items():
        command = {"command": simple_command(table["command"])}
        pools.append(ImportedPool(name, {**table, **command}))
    return pools
