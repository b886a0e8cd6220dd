"""Everything that ``doctor`` looks at, for one pool as it is seen from this host."""

from __future__ import annotations

from autohealer.cli.support.asking import ANSWER_S
from autohealer.cli.support.pool import PoolAddress
from autohealer.cli.support.pool_status import pool_status
from autohealer.coordination.admin.inspection import inspect
from autohealer.errors import AutohealerError
from autohealer.runtime.doctor.diagnosis import Diagnosis
from autohealer.runtime.doctor.ensemble import check_ensemble
from autohealer.runtime.doctor.finding import fault, ok
from autohealer.runtime.doctor.host import check_host
from autohealer.runtime.doctor.pool import check_pool
from autohealer.runtime.doctor.storage import check_storage


def diagnose(address: PoolAddress) -> Diagnosis:
    """Run all checks. What cannot be asked is a finding itself, not an error."""
    found = Diagnosis()
    try:
        found.status = pool_status(address)
    except AutohealerError as error:
        if address.runs_here:
            found.findings.append(fault("agent", str(error), error.hint))
        else:
            found.findings.append(ok("agent", f"none runs pool {address.name} here"))
    workers = found.status.workers if found.status else []
    sizes = [worker.rss for worker in workers if worker.pid and worker.rss]
    found.findings += check_host(found.status.target or 0 if found.status else 0, max(sizes, default=None))
    found.findings += check_storage(address.state.base)
    _ask_zookeeper(address, found)
    if found.status is not None:
        found.findings += check_pool(found.status)
    return found


def _ask_zookeeper(address: PoolAddress, found: Diagnosis) -> None:
    hosts = address.zookeeper()
    if hosts is None:
        return
    by = address.access()
    try:
        inspection = inspect(hosts, address.name, ANSWER_S, by)
    except AutohealerError as error:
        found.findings.append(fault("ZooKeeper", str(error), error.hint))
        return
    found.findings += check_ensemble(inspection, has_credentials=bool(by.credentials), is_embedded=address.is_embedded)
