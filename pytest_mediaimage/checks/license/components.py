"""`license.components`: the licences of FFmpeg's libraries and of the packages, against the policy's rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from .builds import ImageBuild, image_builds
from .compare import library_changes
from .items import Held, held_in_builds, held_in_packages
from .rules import Rules, Verdict

_FIX = {
    "denied": "Build the image without {name}, or take {ids} out of license.deny.",
    "not allowed": "Add {ids} to license.allow where its terms suit you, or build the image without {name}.",
    "conditions": "Add what license.allow-if asks for ({missing}), or build the image without {name}.",
    "unknown": "Find out the licence of {name}, and say so where it is packaged; or accept it with a reason and a day: "
    'ignore: [{{check: license.components, evidence: "{name}:*", reason: ..., until: ...}}].',
}


@check(
    "license.components",
    fails="a library of FFmpeg or a package whose licence the policy denies, doesn't allow, or allows under conditions "
    "that aren't met; without such rules only what changed since `--media-baseline` is told",
    why="An image is shipped under the licences of everything in it, and a library comes in with a flag.",
)
def components(context: Context) -> Iterator[Finding]:
    rules = Rules(context.policy, context.image)
    builds = image_builds(context.subject.ffmpeg_files)
    held = list(held_in_builds(builds))
    libraries = len(held) - len(builds)
    if rules.any:
        packages, lacking = _packages(context, builds)
        held += packages
        counted = f"{len(packages)} packages" if not lacking else f"packages unknown ({lacking})"
    elif not builds:
        context.skip("the image holds no FFmpeg that can be read, and the policy has no rules on licences")
    else:
        counted = "packages not asked for"
    names = {one.license.main for one in held if one.license.main}
    context.measure(
        f"{libraries} libraries of FFmpeg, {counted}: {len(names)} licences",
        budget=_budget(context) if rules.any else None,
    )
    for one in held:
        yield from _judge(context, rules, one)
    yield from library_changes(context, builds)


def _packages(context: Context, builds: Sequence[ImageBuild]) -> tuple[list[Held], str]:
    """The SBOM's packages, and why there are none where syft is missing."""
    subject = context.subject
    listed = subject.sbom().json.get("components", ())
    fault = subject.packages_fault()
    return list(held_in_packages(context.image, listed, builds)), "" if fault is None else fault.message.splitlines()[0]


def _judge(context: Context, rules: Rules, held: Held) -> Iterator[Finding]:
    license = held.license
    if license.main is not None or not license.parts:
        verdict = rules.judge(license.main)
        if verdict is not None:
            yield _finding(context, rules, held, verdict, "is under", license.main)
        elif denied := [id for part in license.parts for id in rules.denied_in(part)]:
            # A copyright file is about the whole source: what was built from it may have nothing of these files.
            whole = Verdict("denied", tuple(dict.fromkeys(denied)))
            yield _finding(context, rules, held, whole, "has files in its source under", severity=Severity.NOTE)
        return
    # A text for people, or a flat list: which of these is the package's own isn't known.
    judged = [verdict for part in license.parts if (verdict := rules.judge(part)) and verdict.word != "unknown"]
    if judged:
        word = next((one.word for one in judged if one.word == "denied"), judged[0].word)
        same = [one for one in judged if one.word == word]
        ids = tuple(dict.fromkeys(id for one in same for id in one.ids))
        missing = tuple(dict.fromkeys(text for one in same for text in one.missing))
        words = "doesn't say which of its licences is for which part, and names"
        yield _finding(context, rules, held, Verdict(word, ids, missing), words, severity=Severity.WARNING)


def _finding(
    context: Context,
    rules: Rules,
    held: Held,
    verdict: Verdict,
    verb: str,
    whole: str | None = None,
    severity: Severity | None = None,
) -> Finding:
    ids = ", ".join(verdict.ids)
    missing = ", ".join(verdict.missing)
    words = {
        "denied": f"{ids}, which license.deny names",
        "not allowed": f"{ids}, which license.allow doesn't name",
        "conditions": f"{ids}, which license.allow-if accepts only with {missing}",
        "unknown": f"{ids}, which SPDX doesn't list and no rule names" if ids else "no licence that is known",
    }[verdict.word]
    if verdict.word == "unknown" and rules.unknown == "warn":
        severity = Severity.WARNING
    message = f"{held.words} {verb} {words}" + (f" ({whole})" if whole and whole != ids else "")
    fields: dict[str, Any] = {
        "evidence": f"{held.name}: {verdict.word} {ids}".rstrip(),
        "fix": _FIX[verdict.word].format(name=held.name, ids=ids or "its licence", missing=missing),
        "severity": severity,
    }
    if held.build is not None:
        return held.build.finding(context, message, at=held.found, **fields)
    return context.finding(message, **fields)


def _budget(context: Context) -> str:
    policy = context.policy
    told = [
        f"{name} {', '.join(values)}"
        for name, values in (("allow", policy.license_allow), ("deny", policy.license_deny))
        if values
    ]
    if policy.license_allow_if:
        told.append("some under conditions")
    return "; ".join(told) or "known licences"
