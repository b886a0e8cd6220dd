"""Shares of a target over agents: where they end, and how they get there.

They end balanced within one, within capacities, with as few workers moved as can be (``divide``). On the way either
the replacement comes first, so that never fewer run than should (``replace_first``), or it goes last, so that never
more do (``stop_first``). Both are functions of what is, so a leader that comes in the middle goes on where the last one
was.
"""

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


def replace_first(final: Mapping[str, int], running: Mapping[str, int]) -> dict[str, int]:
    """Shares on the way: whoever runs more than its end keeps so much of it as the others do not run yet."""
    lacking = sum(max(0, share - running.get(agent, 0)) for agent, share in final.items())
    shares = dict(final)
    for agent in sorted(final):
        kept = min(max(0, running.get(agent, 0) - final[agent]), lacking)
        shares[agent] += kept
        lacking -= kept
    return shares


def stop_first(
    total: int, final: Mapping[str, int], standing: Mapping[str, int], running: Mapping[str, int] | None
) -> dict[str, int]:
    """Shares on the way: nobody gets more before so much has ended elsewhere.

    ``standing`` is the plan that stands, ``running`` every process that there is; None while somebody may still
    follow an older plan, when shares only shrink. The sum of max(share, running) never exceeds ``total`` if it did not
    before.
    """
    shares = {agent: min(share, standing.get(agent, 0)) for agent, share in final.items()}
    if running is None:
        return shares
    taken = {agent: max(share, running.get(agent, 0)) for agent, share in shares.items()}
    room = max(0, total - sum(taken.values()))
    for agent in sorted(final):
        grown = min(final[agent], taken[agent] + room)
        if grown > shares[agent]:
            room -= max(0, grown - taken[agent])
            shares[agent] = grown
    return shares
