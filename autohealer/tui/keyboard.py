"""What a terminal sends, made fit for Textual's parser: text whatever bytes come, and in a paste nothing but text.

A parser that is strict ends the dashboard at the first byte that is no UTF-8. One that looks for keys in a paste finds
them where what was copied has control sequences in it, and then pasted letters kill workers.
"""

from __future__ import annotations

from codecs import getincrementaldecoder

BEGIN, END = "\x1b[200~", "\x1b[201~"
"""What a terminal puts around a paste."""
ESCAPE = "\x1b"


class Keyboard:
    """Takes what was read, piece by piece: a character, a key's sequence and a paste may be cut anywhere."""

    def __init__(self) -> None:
        self._decode = getincrementaldecoder("utf-8")(errors="replace").decode
        self._last = ""
        """The last characters that were not pasted: the beginning of a paste may be among them."""
        self._is_pasting = False
        self._held = ""
        """What may be the end of the paste."""

    def text(self, data: bytes) -> str:
        """What Textual is to be told of these bytes."""
        return "".join([self._pasted(char) if self._is_pasting else self._typed(char) for char in self._decode(data)])

    def _typed(self, char: str) -> str:
        self._last = (self._last + char)[-len(BEGIN) :]
        self._is_pasting = self._last == BEGIN
        return char

    def _pasted(self, char: str) -> str:
        if END.startswith(self._held + char):
            self._held += char
            if self._held != END:
                return ""
            self._is_pasting, self._held, self._last = False, "", ""
            return END
        given, self._held = self._held.replace(ESCAPE, ""), ""
        return given + (self._pasted(char) if char == ESCAPE else char)
