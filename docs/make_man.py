"""Write the manual pages from what --help knows: python docs/make_man.py [DIRECTORY]

One page for each command, in docs/man/man1 unless another directory is named; they are part of the wheel. A test
compares them with what this writes, so they say what the commands do.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from inspect import cleandoc
from pathlib import Path

import click

from autohealer import __version__
from autohealer.cli import group

HOME = Path(__file__).parent / "man" / "man1"

EXIT_STATUS = {
    "0": "Ended as asked.",
    "1": "An unexpected error.",
    "2": "What was asked for makes no sense: an option, a file, a directory.",
    "3": "ZooKeeper, or an agent of the pool, did not answer in time.",
}
FURTHER_EXIT_STATUS = {
    "autohealer run": {
        "4": "Gave up: a worker failed --max-failures times in a row.",
        "5": "The pool is already run from this state directory.",
        "130": "Killed by a second Ctrl-C.",
    },
    "autohealer status": {"6": "Fewer workers run than should."},
    "autohealer register": {"any": "That of CMD, where there is one."},
}
ENVIRONMENT = {
    "AUTOHEALER_ZK_AUTH": "Credentials for ZooKeeper: digest:USER:PASSWORD.",
    "XDG_STATE_HOME": "Where the state directory is, unless --state-dir or AUTOHEALER_STATE_DIR names it.",
    "NO_COLOR": "If it is set, nothing is coloured.",
    "TERM": "If it is dumb, nothing is drawn: lines are printed instead.",
}
WORKERS_ENVIRONMENT = {
    "AUTOHEALER_ZK": "The connection string.",
    "AUTOHEALER_WORKERS": "The node below which to register.",
    "AUTOHEALER_WORKER_ID": "This worker's id: the name to register under.",
    "AUTOHEALER_SLOT": "Its stable place, from 0 up.",
    "AUTOHEALER_AGENT, AUTOHEALER_POOL": "Who runs it.",
    "AUTOHEALER_EPOCH": "A number that grows with every plan: a fencing token.",
    "PORT": "With --port-base: that number and the slot.",
}
FILES = {
    "~/.local/state/autohealer/POOL/events.jsonl": "What happened, a JSON object a line; events.jsonl.1 is older.",
    "~/.local/state/autohealer/POOL/output/": "What the workers wrote.",
    "~/.local/state/autohealer/POOL/ledger": "Which workers there are, for the next agent to adopt.",
}
WITHOUT_A_POOL = {"autohealer completion", "autohealer replay", "autohealer zk serve"}


def pages() -> dict[str, str]:
    """Every page by its file's name."""
    return {f"{name.replace(' ', '-')}.1": page(ctx) for name, ctx in contexts()}


def contexts(
    command: click.Command = group, name: str = "autohealer", parent: click.Context | None = None
) -> Iterator[tuple[str, click.Context]]:
    """Every command by the words that call it."""
    ctx = click.Context(command, info_name=name, parent=parent)
    yield ctx.command_path, ctx
    for below in _names(ctx):
        found = ctx.command.get_command(ctx, below) if isinstance(ctx.command, click.Group) else None
        if found is not None:
            yield from contexts(found, below, ctx)


def page(ctx: click.Context) -> str:
    """The page of one command, as roff."""
    name, title = ctx.command_path, ctx.command_path.replace(" ", "-")
    summary, *paragraphs = _paragraphs(ctx)
    examples = [paragraph for paragraph in paragraphs if paragraph.startswith("\b")]
    described = [paragraph for paragraph in paragraphs if not paragraph.startswith("\b")]
    lines = [
        f'.TH {title.upper()} 1 "" "autohealer {__version__}" "User Commands"',
        ".nh",
        ".ad l",
        *section("NAME", [f"{text(title)} \\- {text(_lower(_flat(summary)).rstrip('.'))}"]),
        *section("SYNOPSIS", [f".B {text(name)}", text(" ".join(ctx.command.collect_usage_pieces(ctx)))]),
        *section("EXAMPLES", [line for example in examples for line in verbatim(example)]),
        *section("DESCRIPTION", joined([text(_flat(paragraph)) for paragraph in (summary, *described)])),
        *section("OPTIONS", definitions(options(ctx))),
    ]
    lines += section("COMMANDS", definitions(subcommands(ctx)))
    lines += section("EXIT STATUS", definitions((EXIT_STATUS | FURTHER_EXIT_STATUS.get(name, {})).items()))
    lines += section("ENVIRONMENT", definitions(environment(ctx)))
    if name in ("autohealer", "autohealer run"):
        lines += [".PP", "A worker finds in its environment:", *definitions(WORKERS_ENVIRONMENT.items())]
    if name not in WITHOUT_A_POOL:
        lines += section("FILES", definitions(FILES.items()))
    lines += section("SEE ALSO", [", ".join(f"\\fB{text(other)}\\fP(1)" for other in neighbours(ctx))])
    return "\n".join(lines) + "\n"


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A section, if there is anything in it."""
    return [f".SH {title}", *lines] if lines else []


def joined(paragraphs: Sequence[str]) -> list[str]:
    """Paragraphs, parted."""
    return [line for paragraph in paragraphs for line in (".PP", paragraph)][1:]


def verbatim(example: str) -> list[str]:
    """Lines that stay as they are."""
    shown = [text(line.strip()) for line in example.splitlines()[1:]]
    return [".nf", ".RS 4", *shown, ".RE", ".fi"]


def definitions(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Terms, each with what it means."""
    return [line for term, meaning in pairs for line in (".TP", f"\\fB{text(term)}\\fP", text(_flat(meaning)))]


def options(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """As --help has them."""
    for parameter in ctx.command.get_params(ctx):
        record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
        if record is not None:
            yield record


def subcommands(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """With their summaries."""
    for path, below in contexts(ctx.command, str(ctx.info_name), ctx.parent):
        if below.parent is not None and below.parent.command is ctx.command:
            yield path.rpartition(" ")[2], _summary(below)


def environment(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """The variables that stand for options, and those that are always looked at."""
    for parameter in ctx.command.get_params(ctx):
        if isinstance(parameter.envvar, str):
            yield parameter.envvar, f"As {parameter.opts[0]}."
    yield from ENVIRONMENT.items()


def neighbours(ctx: click.Context) -> list[str]:
    """The pages of the command that this is one of, which names those beside it, and of its own commands."""
    above = [ctx.parent.command_path] if ctx.parent else []
    root = [ctx.find_root().command_path]
    found = dict.fromkeys([*root, *above, *_below(ctx)])
    return [name.replace(" ", "-") for name in found if name != ctx.command_path]


def _below(ctx: click.Context) -> list[str]:
    return [f"{ctx.command_path} {name}" for name in _names(ctx)]


def _names(ctx: click.Context) -> list[str]:
    return ctx.command.list_commands(ctx) if isinstance(ctx.command, click.Group) else []


def _summary(ctx: click.Context) -> str:
    return _flat(_paragraphs(ctx)[0])


def _paragraphs(ctx: click.Context) -> list[str]:
    return re.split(r"\n\s*\n", cleandoc(ctx.command.help or ""))


def text(plain: str) -> str:
    """As roff prints it: its own characters are escaped, and none begins a line as a request."""
    escaped = plain.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


def _flat(paragraph: str) -> str:
    return " ".join(paragraph.split())


def _lower(summary: str) -> str:
    """As NAME has it: a phrase, without a capital at its beginning."""
    return summary[:1].lower() + summary[1:]


def main(directory: Path) -> None:
    """Write them all, and remove the pages of commands that are no more."""
    directory.mkdir(parents=True, exist_ok=True)
    written = pages()
    for file in directory.glob("*.1"):
        if file.name not in written:
            file.unlink()
    for name, content in written.items():
        (directory / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HOME)
