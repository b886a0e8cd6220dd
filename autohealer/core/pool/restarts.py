"""How soon a slot may start again.

A token bucket: so many restarts at once, one earned back for every ``stable_after_s`` alive. With the bucket empty,
the delay doubles from start to start, with a jitter that only lengthens it, up to ``delay_max_s`` and a fifth. So a
worker that is killed now and then is back at once, and one that crash-loops costs next to nothing. A death by a signal
that comes from outside is no sign of a crash loop, and costs half a token; not nothing, for the kernel kills like that
whatever has run out of memory. A good end after ``GOOD_AFTER_S`` costs nothing: workers may recycle themselves. To be
exchanged for having outgrown a soft limit costs a token, and is no failure.
"""

from __future__ import annotations

from zlib import crc32

import msgspec

BURST = 6
FIRST_DELAY_S = 0.2
JITTER = 0.2
GOOD_AFTER_S = 1.0
FROM_OUTSIDE = frozenset({"SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"})


class Restarts(msgspec.Struct):
    """The account of one slot."""

    stable_after_s: float
    delay_max_s: float
    tokens: float = BURST
    throttled: int = 0
    failures: int = 0

    def after_exit(self, alive_s: float, seed: str, signal: str | None = None, *, good: bool = False) -> float:
        """The delay in seconds before the next start; ``seed`` decides the jitter, so a history can be replayed.

        ``signal`` is what ended the worker, None where it ended by itself; ``good``: the end is a success. ``failures``
        then tells how often in a row the slot ended before it was stable.
        """
        self._earn(alive_s)
        if good and alive_s >= GOOD_AFTER_S:
            self.failures = self.throttled = 0
            return 0.0
        self.failures = 0 if alive_s >= self.stable_after_s else self.failures + 1
        return self._spend(0.5 if signal in FROM_OUTSIDE else 1, seed)

    def after_outgrowing(self, alive_s: float, seed: str) -> float:
        """The delay in seconds before a worker that outgrew a soft limit may be exchanged; ``seed`` as above."""
        self._earn(alive_s)
        return self._spend(1, seed)

    def _earn(self, alive_s: float) -> None:
        self.tokens = min(BURST, self.tokens + alive_s / self.stable_after_s)

    def _spend(self, price: float, seed: str) -> float:
        if self.tokens >= price:
            self.tokens -= price
            self.throttled = 0
            return 0.0
        delay = delay_s(self.throttled, self.delay_max_s, seed)
        self.throttled += 1
        return delay


def delay_s(step: int, delay_max_s: float, seed: str) -> float:
    """The delay of this step (0, 1, ...) of an exponential backoff, in seconds, jitter included."""
    jitter = 1 + JITTER * crc32(seed.encode()) / 2**32
    return float(min(delay_max_s, FIRST_DELAY_S * 2 ** min(step, 32)) * jitter)
