"""One thing that was looked at."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Severity(StrEnum):
    """How bad it is. A fault breaks something that is promised; a warning may."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(msgspec.Struct, frozen=True):
    """``check`` names what was looked at, ``detail`` says what was seen, ``remedy`` what to do (empty where fine)."""

    check: str
    level: Severity
    detail: str
    remedy: str = ""


def ok(check: str, detail: str) -> Finding:
    """It is as it should be."""
    return Finding(check, Severity.OK, detail)


def warning(check: str, detail: str, remedy: str) -> Finding:
    """It may do harm."""
    return Finding(check, Severity.WARNING, detail, remedy)


def fault(check: str, detail: str, remedy: str) -> Finding:
    """It does harm."""
    return Finding(check, Severity.FAULT, detail, remedy)


def worst(findings: Iterable[Finding]) -> Severity:
    """The worst of all levels."""
    found = {finding.level for finding in findings}
    return next((level for level in (Severity.FAULT, Severity.WARNING) if level in found), Severity.OK)
