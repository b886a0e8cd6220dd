"""``autohealer doctor``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from autohealer.cli.support import pool
from autohealer.cli.support.options import as_json
from autohealer.cli.support.pool import PoolAddress


@click.command(short_help="Say what is wrong with this set-up, and what to do.")
@pool.address
@click.option(
    "--bundle",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all that helps with a report of a bug into this archive (tar.gz), without secrets and output.",
)
@as_json("Print a list of findings as JSON.")
def command(address: PoolAddress, bundle: Path | None, as_json: bool) -> int:
    r"""Look at this host, the state directory, ZooKeeper and the pool; say what is wrong, and what to do about it.

    \b
      autohealer doctor
      autohealer doctor --zk zk1:2181,zk2:2181,zk3:2181
      autohealer doctor --bundle report.tar.gz

    Exits with 1 where there is a fault, 0 otherwise. Nothing is changed.
    """
    from autohealer.cli.support.diagnosis import diagnose  # noqa: PLC0415 - not for --help
    from autohealer.runtime.doctor.bundle import write_bundle  # noqa: PLC0415
    from autohealer.runtime.doctor.finding import Level, worst  # noqa: PLC0415

    diagnosis = diagnose(address)
    if bundle is not None:
        write_bundle(bundle, address.state, diagnosis)
        click.echo(f"wrote {bundle}", err=True)
    if as_json:
        click.echo(json.dumps(diagnosis.as_json()))
    else:
        for line in diagnosis.lines():
            click.echo(line)
    return int(worst(diagnosis.findings) is Level.FAULT)
