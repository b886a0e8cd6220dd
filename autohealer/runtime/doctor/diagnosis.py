"""All findings of one look, as JSON and as text."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import asdict

from autohealer.runtime.doctor.finding import Finding, Severity
from autohealer.views.lines import clean
from autohealer.views.status import Status

MARKS = {Severity.OK: "ok     ", Severity.WARNING: "warning", Severity.FAULT: "FAULT  "}


class Diagnosis(msgspec.Struct):
    """``status`` is the pool's; None where no agent could be asked."""

    findings: list[Finding] = msgspec.field(default_factory=list)
    status: Status | None = None

    def as_json(self) -> list[dict[str, str]]:
        """An object for each finding."""
        return [asdict(finding) for finding in self.findings]

    def lines(self) -> Iterator[str]:
        """A line for each finding, and one for its remedy; the worst last, where the eye is."""
        order = list(MARKS)
        for finding in sorted(self.findings, key=lambda finding: order.index(finding.level)):
            yield clean(f"{MARKS[finding.level]}  {finding.check}: {finding.detail}")
            if finding.remedy:
                yield clean(f"           -> {finding.remedy}")
