"""``autohealer completion``."""

from __future__ import annotations

from autohealer.cli.support.command import CliCommand
from autohealer.cli.support.options import argument
from autohealer.config.kinds import Choice

command = CliCommand(
    "completion",
    """Print what makes a shell complete commands, options, and the workers, agents and pools that there are.

      autohealer completion bash > ~/.local/share/bash-completion/completions/autohealer
      autohealer completion zsh > ~/.zfunc/_autohealer
      autohealer completion fish > ~/.config/fish/completions/autohealer.fish

    For this shell alone: eval "$(autohealer completion bash)". For zsh, ~/.zfunc has to be in fpath before compinit.
    """,
    argument("shell", metavar="{bash|zsh|fish}", kind=Choice("bash", "zsh", "fish")),
)
