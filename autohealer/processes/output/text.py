"""What workers wrote, made fit to be shown: nothing in it gives orders to a terminal."""

from __future__ import annotations

import re

# What a terminal takes for an order instead of showing it: OSC, DCS, SOS, PM and APC strings up to their end; CSI
# sequences; other escapes of two or three bytes; and the rest of C0, C1 and the marks that turn the direction of text.
_ORDERS = re.compile(
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]",
    re.MULTILINE,
)
_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,64}m")
_RESET = "\x1b[0m"


def printable(text: str) -> str:
    """The text without anything that a terminal would obey. Line ends and tabs stay."""
    return _ORDERS.sub("", text)


def coloured(text: str) -> str:
    """As `printable`, but colours and the like stay, and end with the text."""
    kept = _ORDERS.sub(lambda found: found[0] if _COLOUR.fullmatch(found[0]) else "", text)
    return f"{kept}{_RESET}" if _COLOUR.search(kept) else kept


def last_state(line: str) -> str:
    """What a terminal would show last of a line that was written again and again, as a progress bar is."""
    return line.rstrip("\r").rpartition("\r")[2]
