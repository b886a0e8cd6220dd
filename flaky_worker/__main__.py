"""``python -m flaky_worker``."""

from flaky_worker.worker import main

main()
