"""``autohealer doctor``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from autohealer.cli.support.diagnosis import diagnose
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.where import Where
from autohealer.runtime.doctor.bundle import write_bundle
from autohealer.runtime.doctor.finding import Severity, worst


def run(where: Where, *, bundle: str | None, as_json: bool) -> int:
    """Look at this host, the state directory, ZooKeeper and the pool; say what is wrong, and what to do about it."""
    address = PoolAddress(where)
    diagnosis = diagnose(address)
    if bundle is not None:
        write_bundle(Path(bundle), address.state, diagnosis)
        click.echo(f"wrote {bundle}", err=True)
    if as_json:
        click.echo(json.dumps(diagnosis.as_json()))
    else:
        for line in diagnosis.lines():
            click.echo(line)
    return int(worst(diagnosis.findings) is Severity.FAULT)
