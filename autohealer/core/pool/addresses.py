"""Where workers are reached, told to others while they serve."""

from __future__ import annotations

from collections.abc import Callable

from autohealer.core.actions import Action, AnnounceAddress
from autohealer.core.model import PoolSpec
from autohealer.core.pool.life import Life, Role
from autohealer.core.pool.lifecycle import WorkerState


class Addresses:
    """Of workers with a port of their own, and of those that say where they are. ``host``: where such ports are."""

    def __init__(self, spec: PoolSpec, host: str, order: Callable[[Action], None]) -> None:
        self._port_base, self._host, self._order = spec.port_base, host, order

    def port(self, number: int) -> int | None:
        """The port of the life with this number."""
        return None if self._port_base is None else self._port_base + number

    def set(self, life: Life, address: str | None) -> None:
        """It says where it is reached; None: it does not say."""
        port = self.port(life.number)
        life.address = address or (None if port is None else f"{self._host}:{port}")

    def announce(self, life: Life) -> None:
        """Others come to it while it is ready, and is not about to end."""
        serves = life.ready and life.state is not WorkerState.STOPPING and life.role is not Role.SPARE
        address = life.address if serves else None
        if address != life.announced:
            life.announced = address
            self._order(AnnounceAddress(life.worker, address))
