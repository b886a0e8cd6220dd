"""An agent's candidature, and what it follows while it leads: every agent's entry, and every registration.

All others are content with less, so that a pool of many agents does not cost requests by the square of their number.
While somebody looks at the pool through this agent, it follows the agents' entries like a leader.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import msgspec

from autohealer.coordination.election.election import Election, ElectionCallbacks
from autohealer.coordination.pool.agents import Agents, AgentsCallbacks
from autohealer.coordination.pool.ephemeral_node import NodeSession
from autohealer.coordination.pool.event_emitter import EventEmitter
from autohealer.coordination.pool.joining import Joining
from autohealer.coordination.pool.listing import Listing
from autohealer.coordination.pool.paths import Paths
from autohealer.coordination.session.scheduler import Scheduler
from autohealer.core import events
from autohealer.core.model import AgentEntry

SHOWN_S = 10.0


class LeadershipCallbacks(msgspec.Struct, frozen=True):
    """Who hears of what was seen on the way, beside the events."""

    missed: Callable[[], None]
    """Called when this agent's own entry is not among the agents'."""

    looked: Callable[[list[str]], None]
    """Called with all names in /workers at each look at them."""


class Leadership:
    """Stands for election. Tells of its outcome, of the agents, and (as the leader) of all registrations by events."""

    def __init__(
        self,
        session: NodeSession,
        paths: Paths,
        joining: Joining,
        scheduler: Scheduler,
        emitter: EventEmitter,
        *,
        callbacks: LeadershipCallbacks,
    ) -> None:
        link, emitting = session.link, emitter.emitting
        self._emit, self._call_later, self._clock = emitter.emit, scheduler.call_later, scheduler.clock
        self._shown_until = -inf
        self._election = Election(
            link,
            paths.election,
            joining.agent,
            session.access,
            ElectionCallbacks(self._won, self._deposed),
            token=joining.token,
        )
        self._agents = Agents(
            link,
            paths.agents,
            joining.agent,
            AgentsCallbacks(
                read=emitting(events.AgentsRead),
                listed=emitting(events.AgentsListed),
                lost=self._agents_lost,
                missed=callbacks.missed,
            ),
            scheduler,
        )
        self._listing = Listing(
            link,
            paths.workers,
            scheduler,
            read=emitting(events.ChildrenRead),
            looked=callbacks.looked,
            is_calm=self._agents.explain,
        )

    @property
    def is_leading(self) -> bool:
        """Whether this agent leads, as far as it can know."""
        return self._election.leading

    @property
    def node(self) -> str | None:
        """The path of this agent's candidature, where it stands."""
        return self._election.node

    def has_seen(self, agent: str) -> bool:
        """Whether there was such an agent at the last look."""
        return self._agents.has_seen(agent)

    @property
    def is_rolling_out(self) -> bool:
        """Whether an agent has workers to exchange, as far as is known."""
        return self._agents.is_rolling_out

    def stand(self) -> None:
        """There is a connection: stand for election."""
        self._election.resume()

    def look(self) -> None:
        """Read anew who the agents are, and all names in /workers."""
        self._agents.look()
        self._listing.look()

    def look_at_workers(self) -> None:
        """Read all names in /workers anew."""
        self._listing.look()

    def show_agents(self) -> None:
        """Somebody looks: for a while tell what every agent says of itself, as to a leader."""
        if self._shown_until == -inf:
            self._agents.follow()
            self._call_later(SHOWN_S, self._still_shown)
        self._shown_until = self._clock() + SHOWN_S

    def wrote_own(self, entry: AgentEntry) -> None:
        """What this agent says of itself stands: it need not be read back."""
        self._agents.wrote_own(entry)

    def cut(self) -> None:
        """The connection is gone."""
        self._election.cut()
        self._listing.cut()
        self._agents.cut()

    def session_ended(self) -> None:
        """The candidature went with the session, and whatever it led to."""
        self._election.session_ended()
        self._unfollow()

    def leave(self) -> list[str]:
        """Stand no more, and follow no registrations; paths of what is to be deleted."""
        self._election.leave()
        self._listing.unfollow()
        return [] if self._election.node is None else [self._election.node]

    # ---- news

    def _won(self, epoch: int) -> None:
        self._emit(events.LeadershipWon, epoch)
        self._agents.follow()
        self._listing.follow()

    def _deposed(self) -> None:
        self._unfollow()
        self._emit(events.LeadershipLost)

    def _unfollow(self) -> None:
        """A leader knows more than others need."""
        self._listing.unfollow()
        if self._shown_until == -inf:
            self._agents.unfollow()

    def _still_shown(self) -> None:
        left_s = self._shown_until - self._clock()
        if left_s > 0:
            self._call_later(left_s, self._still_shown)
            return
        self._shown_until = -inf
        if not self._election.leading:
            self._agents.unfollow()

    def _agents_lost(self, then: Callable[[], None]) -> None:
        """A leader that hears of it has to know which registrations went with them."""
        if self._election.leading:
            self._listing.look_for(then)
        else:
            then()
