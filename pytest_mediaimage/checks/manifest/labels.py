"""`manifest.labels`: are the labels there that the policy asks for, and do OCI's say what they are for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from ...result import Finding, Severity
from ..context import Context
from ..registry import check

# https://github.com/opencontainers/image-spec/blob/main/annotations.md
_OCI = "org.opencontainers.image."
_URLS = ("url", "documentation", "source")
# RFC 3339, 5.6, which lets applications write a space in place of the T; the images of CentOS do.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")
# SPDX 2.3, annex D. Whether a licence is known and right is for the checks of license.*.
_LICENCE = r"\(*\s*(?:DocumentRef-[A-Za-z0-9.-]+:)?[A-Za-z0-9.-]+\+?(?:\s+WITH\s+[A-Za-z0-9.-]+)?\s*\)*"
_EXPRESSION = re.compile(rf"{_LICENCE}(?:\s+(?:AND|OR)\s+{_LICENCE})*", re.IGNORECASE)
# Distributions list hundreds of licences; beyond this nobody can mean one expression, and nobody is told off for it.
_LONGEST_EXPRESSION = 4000
_LONGEST = 80


@check(
    "manifest.labels",
    fails="a label of `image.labels` that is missing or empty; a malformed label of OCI's is a warning",
    why="Labels are how a registry, a scanner or whoever is on call learns where an image comes from.",
)
def labels(context: Context) -> Iterator[Finding]:
    manifest = context.image.manifest
    # Labels travel in the configuration, annotations in the manifest: the same names, and a reader looks at both.
    found = {**(manifest.annotations if manifest else {}), **context.image.labels}
    required = context.policy.image_labels
    own = sum(1 for name in found if name.startswith(_OCI))
    if required:
        present = sum(1 for name in required if found.get(name, "").strip())
        context.measure(present, budget=len(required), unit="labels")
    else:
        context.measure(own, unit="OCI labels")
    for name in required:
        if found.get(name, "").strip():
            continue
        yield context.finding(
            f"the label {name} is {'empty' if name in found else 'missing'}",
            evidence=f"required {name}",
            fix=f'Set it in the Dockerfile: LABEL {name}="...", or with --label when it is built.',
        )
    for name, value in sorted(found.items()):
        if not name.startswith(_OCI) or (name in required and not value.strip()):
            continue
        if wrong := _wrong(name.removeprefix(_OCI), value):
            shown = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
            yield context.finding(
                f"the label {name} {wrong}" + (f": {shown!r}" if value.strip() else ""),
                severity=Severity.WARNING,
                evidence=name,
                fix=f"Write it as OCI's list of annotations says, or leave {name} out.",
            )


def _wrong(name: str, value: str) -> str:
    """What is wrong with a label of OCI's, without their prefix; empty where nothing is."""
    if not value.strip():
        return "is empty: an unset build argument, perhaps"
    if name == "created" and not _is_time(value):
        return "is no time as RFC 3339 writes it (2026-01-31T12:00:00Z)"
    if name == "licenses" and not _is_expression(value):
        return "is no SPDX expression (GPL-3.0-or-later AND MIT)"
    if name in _URLS and not _is_url(value):
        return "is no URL (https://git.example.com/media/ffmpeg)"
    return ""


def _is_time(value: str) -> bool:
    if not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value).upper())
    except ValueError:
        return False
    return True


def _is_expression(value: str) -> bool:
    if len(value) > _LONGEST_EXPRESSION:
        return True
    return value.count("(") == value.count(")") and _EXPRESSION.fullmatch(value.strip()) is not None


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc) and not re.search(r"\s", value.strip())
