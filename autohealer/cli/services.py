"""``autohealer services [SERVICE]``."""

from __future__ import annotations

import json

import click

from autohealer.cli.support.registry import check_service, pool_name
from autohealer.cli.support.where import Where
from autohealer.cli.zk import session
from autohealer.coordination.registry.services import services
from autohealer.views.services import services_text


def run(where: Where, service: str | None, *, as_json: bool) -> int:
    """Show the addresses of SERVICE, or of all services."""
    if service is not None:
        check_service(service)
    hosts, access = session.reach(where)
    found = [one._asdict() for one in services(hosts, pool_name(where), service, session.ANSWER_S, access)]
    click.echo(json.dumps(found) if as_json else services_text(found), nl=as_json or bool(found))
    return 0
