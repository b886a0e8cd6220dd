"""Bytes from a terminal into the names of keys."""

from __future__ import annotations

import codecs
import re

_SEQUENCES = {
    "[A": "up", "OA": "up", "[B": "down", "OB": "down", "[H": "home", "OH": "home", "[1~": "home", "[7~": "home",
    "[F": "end", "OF": "end", "[4~": "end", "[8~": "end", "[5~": "page-up", "[6~": "page-down",
}  # fmt: skip
_CONTROLS = {"\r": "enter", "\n": "enter", "\x7f": "backspace", "\b": "backspace", "\x0c": "ctrl-l", "\x1a": "ctrl-z"}
# A key that sends a sequence sends it in one piece; a lone escape is the key of that name.
_KEY = re.compile(r"\x1b([\[O][0-?]*[ -/]*[@-~])|\x1b|[^\x1b]", re.DOTALL)


class Keyboard:
    """Decodes what is read, piece by piece; a character that has come in part waits for its rest."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("ignore")

    def keys(self, data: bytes) -> list[str]:
        """The keys that were pressed: characters, and names for what is none. Unknown ones are left out."""
        found = []
        for match in _KEY.finditer(self._decoder.decode(data)):
            text = match[0]
            if match[1]:
                name = _SEQUENCES.get(match[1], "")
            else:
                name = "escape" if text == "\x1b" else _CONTROLS.get(text, text if text.isprintable() else "")
            if name:
                found.append(name)
        return found
