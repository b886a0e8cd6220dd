"""Shares of a target over agents: balanced within one, within capacities, moving as few workers as can be."""

from __future__ import annotations

from collections.abc import Mapping


def divide(total: int, capacities: Mapping[str, int | None], former: Mapping[str, int]) -> dict[str, int]:
    """A share for each agent; together ``total``, or all that fits.

    ``capacities`` names the agents, each with the most that it takes (None: no bound); ``former`` is what they run
    now. The shares are a water level: every agent gets the same, or its capacity where that is less. What does not
    divide evenly goes, one each, to agents that would otherwise have to give a worker away. O(n log n).
    """
    shares: dict[str, int] = {}
    left = max(0, total)
    bounded = sorted((bound, agent) for agent, bound in capacities.items() if bound is not None)
    open_agents = len(capacities)
    for bound, agent in bounded:
        if bound * open_agents > left:
            break
        shares[agent] = bound
        left -= bound
        open_agents -= 1
    rest = [agent for agent in capacities if agent not in shares]
    if rest:
        level, extra = divmod(left, len(rest))
        # Those that run more than the level keep one of it; ids decide between equals, so the answer is one.
        rest.sort(key=lambda agent: (former.get(agent, 0) <= level, agent))
        shares |= {agent: level + (place < extra) for place, agent in enumerate(rest)}
    return shares
