"""`license.label`: whether the image's label says as much as its FFmpeg builds are concluded to be under."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ...ffmpeg.license import NONFREE, ORDER, strictest
from ...result import Finding, Severity
from ...sbom.licenses import Expression, InvalidExpression
from ..context import Context
from ..registry import check
from .builds import ImageBuild, image_builds
from .rules import labels_of

LABEL = "org.opencontainers.image.licenses"
"""https://github.com/opencontainers/image-spec/blob/main/annotations.md: of all contained software, as SPDX."""

_FAMILY = re.compile(r"(L?GPL)-(\d)\.\d-(?:only|or-later)(?: WITH .+)?")
_LONGEST = 200


@check(
    "license.label",
    fails="a label `org.opencontainers.image.licenses` that says LGPL of a GPL FFmpeg; with `license.label` one that "
    "is missing, isn't SPDX, or doesn't cover or equal what is concluded, which is a warning or note without",
    why="Registries and those who take the image over read its terms off the label, and nothing else.",
)
def label(context: Context) -> Iterator[Finding]:
    mode = context.policy.license_label
    if mode == "ignore":
        context.skip("the policy says license: {label: ignore}")
    builds = [build for build in image_builds(context.subject.ffmpeg_files) if build.license.concluded]
    concluded = strictest(build.license.concluded for build in builds)
    if concluded is None:
        context.skip("the image holds no FFmpeg whose licence can be concluded")
    text = labels_of(context.image).get(LABEL, "").strip()
    budget = f"{mode or 'covers'} {concluded}"
    context.measure(text[:_LONGEST] or "no label", budget=budget)
    strict = mode is not None
    if not text:
        yield _finding(
            context,
            f"the label {LABEL} is missing; concluded for FFmpeg: {_because(builds, concluded)}",
            "missing",
            concluded,
            None if strict else Severity.NOTE,
        )
        return
    try:
        claimed = Expression.parse(text)
    except InvalidExpression as error:
        yield _finding(
            context,
            f"the label {LABEL} can't be compared with {concluded}: {error}",
            "no SPDX",
            concluded,
            None if strict else Severity.WARNING,
        )
        return
    if mode == "equals":
        whole = Expression.parse(" AND ".join(dict.fromkeys(str(build.license.concluded) for build in builds)))
        if not claimed.says_same(whole) and not claimed.says_same(Expression.parse(concluded)):
            yield _finding(context, _differs(claimed, builds, whole.text), f"isn't {whole.text}", whole.text, None)
    elif not covers(claimed, concluded):
        severity = None if strict else _weight(claimed, concluded, builds)
        yield _finding(context, _differs(claimed, builds, concluded), f"less than {concluded}", concluded, severity)


def covers(claimed: Expression, concluded: str) -> bool:
    """Whether whoever follows the label keeps to the concluded licence: one of an AND, all of an OR name it or a
    stricter one of FFmpeg's."""

    def as_strict(id: str) -> bool:
        if concluded == NONFREE:
            return id.startswith("LicenseRef-")
        return id == NONFREE or _rank(id) >= ORDER.index(concluded)

    return not claimed.holds(lambda id: not as_strict(id))


def _weight(claimed: Expression, concluded: str, builds: Sequence[ImageBuild]) -> Severity | None:
    """How bad a label that claims less is in any image: None where it is an error.

    One that says LGPL of a GPL build contradicts it. One that names neither is mostly meant for the application alone,
    and one that says GPL as FFmpeg itself does, but for a library's later version, is what Debian's build gets.
    """
    ranks = [rank for rank in map(_rank, claimed.ids) if rank >= 0]
    gpl = ORDER.index("GPL-2.0-or-later")
    stated = strictest(build.license.stated for build in builds)
    if not ranks or (max(ranks) >= gpl and stated and covers(claimed, stated)):
        return Severity.NOTE
    return None if max(ranks) < gpl <= ORDER.index(concluded) < ORDER.index(NONFREE) else Severity.WARNING


def _rank(id: str) -> int:
    """A licence's place in ORDER; -1 for what is none of FFmpeg's."""
    match = _FAMILY.fullmatch(id)
    if match is None:
        return ORDER.index(id) if id in ORDER else -1
    return (2 if match[1] == "GPL" else 0) + (1 if match[2] >= "3" else 0)


def _differs(claimed: Expression, builds: Sequence[ImageBuild], concluded: str) -> str:
    strict = strictest(build.license.concluded for build in builds)
    return f"the label {LABEL} says {claimed.text[:_LONGEST]}, concluded is {_because(builds, concluded, strict)}"


def _because(builds: Sequence[ImageBuild], concluded: str, strict: str | None = None) -> str:
    """A licence, with the file and what it was concluded from there."""
    build = next(one for one in builds if one.license.concluded == (strict or concluded))
    holds = build.told()
    stated = f"stated {build.license.stated or 'nothing'}" + (f", holds {holds}" if holds else "")
    return f"{concluded} ({build.files[0].path}: {stated})"


def _finding(context: Context, message: str, evidence: str, concluded: str, severity: Severity | None) -> Finding:
    return context.finding(
        message,
        severity=severity,
        evidence=evidence,
        fix=f'Say it in the Dockerfile: LABEL {LABEL}="{concluded}", joined by AND with the licences of the rest.',
    )
