"""What click needs of each command: one a file, by its name. What a command does is in `autohealer.cli` beside this."""
