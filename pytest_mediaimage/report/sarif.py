"""The SARIF report (OASIS, version 2.1.0): findings for code scanning, one run for each image and platform."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from .. import __version__
from ..result import Finding, Result, Severity, Status
from .escape import short, visible
from .pages import page
from .text import format_value

if TYPE_CHECKING:
    from ..checks.registry import Check
    from ..checks.subject import Subject
    from .account import Account

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "IMAGEROOT"
_FILES = ("oci", "oci-archive", "docker-archive", "")
_LONGEST_MESSAGE = 4000
MOST_RESULTS = 25_000
"""Results of one run: GitHub refuses a file with more (docs.github.com, "SARIF results exceed one or more limits")."""


def text(account: Account) -> str:
    return json.dumps(document(account), indent=2) + "\n"


def document(account: Account) -> dict[str, Any]:
    """The report as a dict. A run that couldn't begin has no results, and says that it didn't succeed."""
    if account.error is not None:
        runs = [_failed_run(str(account.error))]
    else:
        rules = [_rule(check, account) for check in account.checks]
        categories = _categories(account.subjects)
        runs = [
            _run(subject, category, rules, account)
            for subject, category in zip(account.subjects, categories, strict=True)
        ]
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": runs}


def _run(subject: Subject, category: str, rules: Sequence[dict[str, Any]], account: Account) -> dict[str, Any]:
    results = account.results_of(subject)
    indices = {rule["id"]: index for index, rule in enumerate(rules)}
    told = list(_results(results, subject, indices, account))
    notifications = list(_notifications(results, indices))
    lacking = account.lacking(subject)
    if lacking:
        # By the results of this run code scanning takes the others for mended.
        notifications.append({"level": "warning", "message": {"text": f"not judged in full: {lacking}"}})
    if len(told) > MOST_RESULTS:
        text = f"{len(told) - MOST_RESULTS} findings are left out, the mildest: --media-report json:PATH lists all"
        notifications.append({"level": "warning", "message": {"text": text}})
        told = sorted(told, key=lambda item: -Severity.parse(item["level"]))[:MOST_RESULTS]
    return {
        "tool": {"driver": _driver(rules)},
        "automationDetails": {"id": category},
        "originalUriBaseIds": {
            _ROOT: {"uri": "file:///", "description": {"text": "the root directory of the image's file system"}}
        },
        "invocations": [
            {
                "executionSuccessful": not lacking and not any(result.status is Status.ERROR for result in results),
                "toolExecutionNotifications": notifications,
            }
        ],
        "results": told,
        "properties": {
            "image": subject.label,
            "digest": str(subject.image.digest),
            "platform": str(subject.platform),
        },
    }


def _failed_run(reason: str) -> dict[str, Any]:
    notification = {"level": "error", "message": {"text": _message(reason)}}
    return {
        "tool": {"driver": _driver([])},
        "invocations": [{"executionSuccessful": False, "toolExecutionNotifications": [notification]}],
        "results": [],
    }


def _driver(rules: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": "pytest-mediaimage",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": list(rules),
    }


def _categories(subjects: Sequence[Subject]) -> list[str]:
    """A name for each run that outlives a release: without tag and digest, ended by a slash.

    By it code scanning knows which earlier results this run replaces; it refuses two runs of one category in a file.
    """
    names: list[str] = []
    for subject in subjects:
        reference = subject.reference
        where = reference.location
        if reference.transport in _FILES and "/" in where:
            where = PurePosixPath(where).name or where
        name = f"pytest-mediaimage/{visible(where)}/{subject.platform}/"
        count = 2
        unique = name
        while unique in names:
            unique = f"{name}{count}/"
            count += 1
        names.append(unique)
    return names


def _rule(check: Check, account: Account) -> dict[str, Any]:
    path = page(check.id)
    told = f"Fails on {check.fails}. {check.why}"
    severity = account.policy.severity.get(check.id, check.severity) if account.policy else check.severity
    return {
        "id": check.id,
        "name": "".join(part.capitalize() for part in check.id.replace("-", ".").split(".")),
        "shortDescription": {"text": f"Fails on {check.fails}."},
        "fullDescription": {"text": check.why},
        "help": {"text": told, "markdown": _quoted(path.read_text(encoding="utf-8")) if path else told},
        "defaultConfiguration": {"level": str(severity)},
        "properties": {"tags": ["container-image", check.id.partition(".")[0]]},
    }


def _quoted(page_text: str) -> str:
    """A page away from its neighbours: links to them would lead nowhere."""
    return re.sub(r"\[([^\]]+)\]\([^):/]+\.md\)", r"\1", page_text)


def _notifications(results: Sequence[Result], indices: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """What was not judged: checks that broke or were skipped, with the reason."""
    for result in results:
        if result.status not in (Status.ERROR, Status.SKIPPED):
            continue
        level = "error" if result.status is Status.ERROR else "warning" if result.required else "note"
        yield {
            "level": level,
            "message": {"text": _message(f"{result.check} {result.status}: {result.reason}")},
            "associatedRule": {"id": result.check, "index": indices[result.check]},
        }


def _results(
    results: Sequence[Result], subject: Subject, indices: Mapping[str, int], account: Account
) -> Iterator[dict[str, Any]]:
    seen: dict[str, int] = {}
    for result in results:
        for finding in result.findings:
            fingerprint = finding.fingerprint(result.check)
            seen[fingerprint] = seen.get(fingerprint, 0) + 1
            fix = f"\n{finding.fix}" if finding.fix else ""
            yield {
                "ruleId": result.check,
                "ruleIndex": indices[result.check],
                "level": str(finding.severity or Severity.ERROR),
                "message": {"text": _message(finding.message + fix)},
                "locations": [_location(finding, subject, account.policy_name)],
                "partialFingerprints": {
                    "mediaimage/v1": fingerprint,
                    # The only one that GitHub compares; its own would be made from a source file, and there is none.
                    "primaryLocationLineHash": f"{fingerprint}:{seen[fingerprint]}",
                },
                "suppressions": list(_suppressions(result.check, finding, account)),
                "properties": _properties(result, finding),
            }


def _location(finding: Finding, subject: Subject, policy_name: str) -> dict[str, Any]:
    """The file in the image; what concerns no file points to the policy, where its budget stands or would stand."""
    if finding.file and finding.file.strip("/"):
        artifact = {"uri": _uri(finding.file), "uriBaseId": _ROOT}
    else:
        artifact = {"uri": _uri(policy_name)}
    logical = [{"fullyQualifiedName": f"{subject.label} ({subject.platform})", "kind": "image"}]
    if finding.layer or finding.created_by:
        layer = {"kind": "layer", "name": short(visible(finding.created_by or ""), 500) or "(no history)"}
        logical.append({**layer, "fullyQualifiedName": finding.layer} if finding.layer else layer)
    return {
        "physicalLocation": {"artifactLocation": artifact, "region": {"startLine": 1}},
        "logicalLocations": logical,
    }


def _uri(path: str) -> str:
    """A path as a relative URI that stays below its base, whatever the path is called."""
    parts = [quote(part, safe="", errors="backslashreplace") for part in path.split("/") if part not in ("", ".")]
    return "/".join(part if part != ".." else "%2E%2E" for part in parts)


def _suppressions(check: str, finding: Finding, account: Account) -> Iterator[dict[str, Any]]:
    """Why a finding is accepted: it is known, or the policy ignores it."""
    if finding.known:
        yield {"kind": "external", "status": "accepted", "justification": "a known finding"}
    today = datetime.date.today()
    for entry in account.policy.ignore if account.policy else ():
        if entry.covers(check, finding.file, finding.evidence) and not entry.expired(today):
            yield {"kind": "external", "status": "accepted", "justification": visible(entry.reason)}
            break


def _properties(result: Result, finding: Finding) -> dict[str, Any]:
    told = {
        "measured": format_value(result.measured, result.unit) if result.measured is not None else None,
        "budget": format_value(result.budget, result.unit) if result.budget is not None else None,
        "hardwarePath": result.hardware_path,
        "file": visible(finding.file) if finding.file else None,
        "bytes": finding.bytes,
    }
    return {name: value for name, value in told.items() if value is not None}


def _message(text: str) -> str:
    """Plain text in SARIF's sense: square brackets would make a link (section 3.11.6)."""
    shown = "\n".join(visible(line) for line in short(text, _LONGEST_MESSAGE).splitlines())
    return shown.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
