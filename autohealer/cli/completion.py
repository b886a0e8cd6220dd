"""``autohealer completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

PROGRAM = "autohealer"
VARIABLE = "_AUTOHEALER_COMPLETE"


@click.command(short_help="Print what makes a shell complete commands, workers and pools.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> int:
    r"""Print what makes a shell complete commands, options, and the workers, agents and pools that there are.

    \b
      autohealer completion bash > ~/.local/share/bash-completion/completions/autohealer
      autohealer completion zsh > ~/.zfunc/_autohealer
      autohealer completion fish > ~/.config/fish/completions/autohealer.fish

    For this shell alone: eval "$(autohealer completion bash)". For zsh, ~/.zfunc has to be in fpath before compinit.
    """
    complete = get_completion_class(shell)
    assert complete is not None  # noqa: S101 - click knows all three
    click.echo(complete(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())
    return 0
