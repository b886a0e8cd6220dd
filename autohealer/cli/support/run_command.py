"""Commands that take what ``run`` takes: every option of the schema, N, and a command behind ``--``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click
import msgspec
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from autohealer.cli.support import shell_complete
from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.late import Late
from autohealer.cli.support.options import SchemaOption, argument, value
from autohealer.cli.support.shell_complete import BEHIND
from autohealer.config.kinds import FilePath
from autohealer.config.options import Group, Place
from autohealer.config.schema import AGENT_FIELDS, FIELDS, POOL_FIELDS, AgentOptions, Configuration, PoolOptions
from autohealer.config.spec import check_pool
from autohealer.errors import UsageError

if TYPE_CHECKING:
    from autohealer.config.load import load
else:  # only with --config
    load = Late("autohealer.config.load").load

OTHER = "Other options"


class RunCommand(CliCommand):
    """What it does gets one ``configuration``, checked."""

    def __init__(self, name: str, text: str, *params: click.Parameter) -> None:
        super().__init__(
            name,
            text,
            argument("workers", metavar="N", required=False, kind=FIELDS["workers"].option.kind),
            SchemaOption(FIELDS["pool"], shell_complete=shell_complete.pools),
            *(
                SchemaOption(field)
                for field in FIELDS.values()
                if field.field != "pool" and field.option.place is not Place.FILE
            ),
            value(
                "--config",
                kind=FilePath(),
                text="Run the pools of this file, TOML or a Procfile, in place of N -- CMD.",
                envvar="AUTOHEALER_CONFIG",
            ),
            *params,
            trailing="command",
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A command without ``--`` before it is a mistake with a remedy that can be shown."""
        if "--" not in args and not ctx.resilient_parsing:
            found, rest = self._typed_words(ctx, args)
            if rest and "--help" not in args and "config" not in found:
                example = f"{ctx.command_path} {found['workers']} -- {' '.join(rest)}"
                raise UsageError("there is no -- before the command", f"write: {example}")
        return super().parse_args(ctx, args)

    def _typed_words(self, ctx: click.Context, args: list[str]) -> tuple[Mapping[str, object], list[str]]:
        """The options by their names, and what is none."""
        try:
            found, rest, _ = super().make_parser(ctx).parse_args(args=list(args))
        except click.UsageError as error:
            error.ctx = ctx
            raise
        return found, rest

    def arguments(self, ctx: click.Context) -> dict[str, object]:
        """What was typed, by what it concerns. Raises UsageError."""
        others = {name: value for name, value in ctx.params.items() if name not in FIELDS and name != "config"}
        return {"configuration": self._of_file(ctx) if ctx.params["config"] else self._typed(ctx), **others}

    def _typed(self, ctx: click.Context) -> Configuration:
        if ctx.params["workers"] is None:
            raise UsageError(
                "Missing argument 'N'", f"write: {ctx.command_path} 10 -- CMD, or name a file: --config FILE"
            )
        agent = msgspec.convert({name: ctx.params[name] for name in AGENT_FIELDS}, AgentOptions)
        pool = msgspec.convert({name: ctx.params[name] for name in POOL_FIELDS if name in ctx.params}, PoolOptions)
        check_pool(pool)
        return Configuration(agent=agent, pools=(pool,))

    def _of_file(self, ctx: click.Context) -> Configuration:
        """A file says all that concerns pools; what concerns the agent may be typed beside it."""
        file = str(ctx.params["config"])
        typed = {
            name: value
            for name, value in ctx.params.items()
            if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        }
        if typed.get("workers") is not None or ctx.params["command"]:
            raise UsageError("N and CMD stand in the file with --config", f"write them into {file}")
        for name in typed:
            if name in POOL_FIELDS:
                place = "the name of a table there" if name == "pool" else f"{POOL_FIELDS[name].key} in [defaults]"
                raise UsageError(f"{POOL_FIELDS[name].typed} is no option beside --config", f"it is {place}, in {file}")
        loaded = load(file, os.environ, {name: value for name, value in typed.items() if name in AGENT_FIELDS})
        for warning in loaded.warnings:
            click.echo(f"warning: {warning}", err=True)
        return loaded.configuration

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """After N nothing is left but options, and ``--``."""
        if ctx.params.get("workers") is not None and not ctx.meta.get(BEHIND) and not incomplete.startswith("-"):
            return [CompletionItem("--")]
        return super().shell_complete(ctx, incomplete)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The usage line."""
        return ["[OPTIONS]", "{N -- CMD... | --config FILE}"]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options by their groups: there are too many for one list."""
        records: dict[str, list[tuple[str, str]]] = {group: [] for group in (*Group, OTHER)}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                group = parameter.field.option.group if isinstance(parameter, SchemaOption) else OTHER
                records[group].append(record)
        for group, listed in records.items():
            if listed:
                with formatter.section(group):
                    formatter.write_dl(listed)
