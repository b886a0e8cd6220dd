"""What a path may look like."""

from __future__ import annotations

import re
from typing import Final

# control characters, surrogates (so everything beyond the BMP), private use, specials
_INVALID: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\uf8ff\ufff0-\U0010ffff]|//|/\\.\\.?(?:/|$)", re.ASCII)


def is_valid(path: str | None) -> bool:
    """As ZooKeeper's PathUtils.validatePath has it."""
    if not path or path[0] != "/":
        return False
    if len(path) == 1:
        return True
    return path[-1] != "/" and _INVALID.search(path) is None


def parent_of(path: str) -> str:
    """All before the last slash: the parent of a child of the root is ``""``, by which the tree knows the root too."""
    return path[: path.rindex("/")]
