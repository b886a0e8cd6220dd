"""``python flaky_worker.py``, from any directory."""

import os
import sys

# Python puts the script's own folder first; its package is found from the folder above.
sys.path[0] = os.path.realpath(__file__).rsplit("/", 2)[0]

from flaky_worker.worker import main  # noqa: E402 - only now can it be found

main()
