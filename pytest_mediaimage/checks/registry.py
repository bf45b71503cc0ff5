"""What a check is, and how its outcome becomes a Result."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace

from ..errors import EnvironmentFault, MediaImageError
from ..image.analysers.credentials import masked
from ..image.masking import mask
from ..policy import KnownOfImage, Policy
from ..result import Finding, Result, Severity, Skip, Status, encodable
from .context import Context

Function = Callable[[Context], Iterable[Finding]]
Begun = tuple[Hashable, Callable[[], object]]


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its id, what fails, why that matters, and how bad its findings are where the policy is silent.

    `ahead` is what of it may run beside other such checks, before its turn (see `ahead.Ahead`): the key that it takes
    the outcome by, and what makes it. It raises as the function does.
    """

    id: str
    fails: str
    why: str
    function: Function
    severity: Severity = Severity.ERROR
    ahead: Callable[[Context], Begun] | None = None


def check(id: str, *, fails: str, why: str, severity: Severity = Severity.ERROR) -> Callable[[Function], Check]:
    """Makes a function a Check. `fails` completes the sentence "fails on ..."."""

    def decorate(function: Function) -> Check:
        return Check(id, fails, why, function, severity)

    return decorate


_NOTHING_KNOWN = KnownOfImage()


def run_check(checked: Check, context: Context, known: KnownOfImage = _NOTHING_KNOWN) -> Result:
    """Run a check, and weigh its findings by the policy and by what is known. Never raises MediaImageError.

    No text of the result holds a credential of the image, or what isn't UTF-8.
    """
    result = Result(
        check=checked.id,
        image=context.label,
        platform=str(context.platform),
        hardware_path=context.hardware_path,
        required=context.policy.requires(checked.id, context.hardware_path),
    )
    plain = _plainer(context)
    started = time.perf_counter()
    try:
        findings = [_plain(finding, plain) for finding in checked.function(context)]
    except Skip as skip:
        result.status, result.reason = Status.SKIPPED, plain(str(skip))
    except MediaImageError as error:
        result.status, result.reason = Status.ERROR, plain(str(error))
        result.environment, result.fault = isinstance(error, EnvironmentFault), error
    else:
        today = datetime.date.today()
        value, _, unit = context.measurement
        measured = value if unit == "bytes" and isinstance(value, int) else 0
        for finding in findings:
            weighed = weigh(checked, finding, context.policy, today)
            if not context.policy.ignores(checked.id, finding.file, today, finding.evidence):
                weighed = known.judge(checked.id, weighed, measured, today)
            result.findings.append(weighed)
        result.status = Status.FAILED if result.errors() else Status.PASSED
    value, budget, result.unit = context.measurement
    result.measured, result.budget = (plain(word) if isinstance(word, str) else word for word in (value, budget))
    result.duration = time.perf_counter() - started
    return result


def _plainer(context: Context) -> Callable[[str], str]:
    """Makes a text what may be told to anybody, anywhere. Digests and platforms become plain texts: they are of classes
    of their own, which don't cross from a worker of pytest-xdist."""
    try:
        config = context.image.config
    except MediaImageError:
        return lambda text: encodable(masked(str(text)))
    return lambda text: encodable(mask(str(text), config))


def _plain(finding: Finding, plain: Callable[[str], str]) -> Finding:
    """Before it is judged: the fingerprint of what is known is made of these texts."""

    def maybe(text: str | None) -> str | None:
        return None if text is None else plain(text)

    return replace(
        finding,
        message=plain(finding.message),
        file=maybe(finding.file),
        layer=maybe(finding.layer),
        created_by=maybe(finding.created_by),
        evidence=plain(finding.evidence),
        fix=plain(finding.fix),
    )


def weigh(checked: Check, finding: Finding, policy: Policy, today: datetime.date) -> Finding:
    """The finding with the severity that counts, and a note where the policy ignores it.

    The policy's severity is that of the check's findings. A finding that is milder by its nature stays so, but where
    the policy says error, its check's warnings are errors too: who writes that wants them to fail.
    """
    named = policy.severity.get(checked.id)
    standard = checked.severity if named is None else named
    severity = standard if finding.severity is None else min(finding.severity, standard)
    if named is Severity.ERROR and severity is Severity.WARNING:
        severity = Severity.ERROR
    message = finding.message
    for entry in policy.ignore:
        if not entry.covers(checked.id, finding.file, finding.evidence):
            continue
        if entry.expired(today):
            message += f" (was ignored until {entry.until}: {entry.reason})"
        else:
            severity, message = Severity.NOTE, f"{message} (ignored: {entry.reason})"
            break
    return replace(finding, severity=severity, message=message)
