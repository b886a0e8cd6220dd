"""``python -m autohealer``."""

from autohealer.cli import main

if __name__ == "__main__":
    main()
