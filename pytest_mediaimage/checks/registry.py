"""What a check is, and how its outcome becomes a Result."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ..errors import EnvironmentFault, MediaImageError
from ..policy import Policy
from ..result import Finding, Result, Severity, Skip, Status
from .context import Context

Function = Callable[[Context], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its id, what fails, why that matters, and how bad its findings are where the policy is silent."""

    id: str
    fails: str
    why: str
    function: Function
    severity: Severity = Severity.ERROR


def check(id: str, *, fails: str, why: str, severity: Severity = Severity.ERROR) -> Callable[[Function], Check]:
    """Makes a function a Check. `fails` completes the sentence "fails on ..."."""

    def decorate(function: Function) -> Check:
        return Check(id, fails, why, function, severity)

    return decorate


def run_check(checked: Check, context: Context) -> Result:
    """Run a check and weigh its findings by the policy. Never raises MediaImageError."""
    result = Result(
        check=checked.id,
        image=context.label,
        platform=str(context.platform),
        hardware_path=context.hardware_path,
        required=context.policy.requires(checked.id, context.hardware_path),
    )
    started = time.perf_counter()
    try:
        findings = list(checked.function(context))
    except Skip as skip:
        result.status, result.reason = Status.SKIPPED, str(skip)
    except MediaImageError as error:
        result.status, result.reason = Status.ERROR, str(error)
        result.environment, result.fault = isinstance(error, EnvironmentFault), error
    else:
        today = datetime.date.today()
        result.findings = [weigh(checked, finding, context.policy, today) for finding in findings]
        result.status = Status.FAILED if result.errors() else Status.PASSED
    result.measured, result.budget, result.unit = context.measurement
    result.duration = time.perf_counter() - started
    return result


def weigh(checked: Check, finding: Finding, policy: Policy, today: datetime.date) -> Finding:
    """The finding with the severity that counts: the policy's cap, and a note where the policy ignores it."""
    standard = policy.severity.get(checked.id, checked.severity)
    severity = standard if finding.severity is None else min(finding.severity, standard)
    message = finding.message
    for entry in policy.ignore:
        if not entry.covers(checked.id, finding.file):
            continue
        if entry.expired(today):
            message += f" (was ignored until {entry.until}: {entry.reason})"
        else:
            severity, message = Severity.NOTE, f"{message} (ignored: {entry.reason})"
            break
    return replace(finding, severity=severity, message=message)
