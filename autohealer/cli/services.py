"""``autohealer services [SERVICE]``."""

from __future__ import annotations

import json

import click

from autohealer.cli.support.options import as_json
from autohealer.cli.support.registry import check_service, pool_name
from autohealer.cli.zk import session


@click.command(short_help="Show the addresses in the service registry.")
@click.argument("service", required=False)
@session.options
@as_json("Print one JSON list.")
@click.pass_context
def command(ctx: click.Context, /, service: str | None, *, as_json: bool, **_: object) -> int:
    r"""Show the addresses of SERVICE, or of all services.

    \b
      autohealer services web
      autohealer services --json | jq -r '.[] | select(.service == "web") | .address'

    Addresses without a service are those of the pool's own workers and agents.
    """
    from autohealer.coordination.registry.services import services  # noqa: PLC0415 - kazoo, not for --help
    from autohealer.views.services import services_text  # noqa: PLC0415

    if service is not None:
        check_service(service)
    hosts, access = session.reach(ctx)
    found = [one._asdict() for one in services(hosts, pool_name(ctx), service, session.ANSWER_S, access)]
    click.echo(json.dumps(found) if as_json else services_text(found), nl=as_json or bool(found))
    return 0
