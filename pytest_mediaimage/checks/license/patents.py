"""`license.patents`: what is said of patents on the codecs that the image's FFmpeg builds hold. Facts, no advice."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ...result import Finding, Severity
from ..context import Context
from ..registry import check
from .patent_file import patent_data

if TYPE_CHECKING:
    from ...policy import Policy
    from ...policy.acceptance import PatentCover
    from ...sbom.patents import Codec, Exposure, PatentData
    from ..subject import FoundFFmpeg

_HOLDER = "libavcodec"
"""FFmpeg's library that has the tables of encoders and decoders."""


@dataclass
class Held:
    """A codec that builds hold: names of its encoders and decoders, in software and by a device, and the files."""

    codec: Codec
    encoders: set[str] = field(default_factory=set)
    decoders: set[str] = field(default_factory=set)
    device_encoders: set[str] = field(default_factory=set)
    device_decoders: set[str] = field(default_factory=set)
    files: list[FoundFFmpeg] = field(default_factory=list)

    def uses(self, *, device: bool = True) -> list[str]:
        """What the builds can do. What an encoder makes may be streamed, whoever did the encoder's work."""
        able = {
            "encode": self.encoders or (device and self.device_encoders),
            "decode": self.decoders or (device and self.device_decoders),
            "streaming": self.encoders or self.device_encoders,
        }
        return [use for use, names in able.items() if names]

    @property
    def exposure(self) -> Exposure:
        """The gravest of its uses."""
        from ...sbom.patents import Exposure

        order = list(Exposure)
        return min((self.codec.exposure(use) for use in self.uses()), key=order.index)

    def __str__(self) -> str:
        software = [_listed("encoder", self.encoders), _listed("decoder", self.decoders)]
        device = [_listed("encoder", self.device_encoders), _listed("decoder", self.device_decoders)]
        parts = [part for part in software if part]
        if any(device):
            parts.append(f"done by a device or its driver: {', '.join(part for part in device if part)}")
        return "; ".join(parts)


@check(
    "license.patents",
    fails="a codec for which the policy asks for an agreement or an accepted reason, and names none that stands; "
    "without `patents.require` what pools and holders say is a note",
    why="Whoever answers for patents needs to know which codecs are really in the image, and who asks for what.",
)
def patents(context: Context) -> Iterator[Finding]:
    policy = context.policy
    data = patent_data(policy)
    builds = [found for found in context.subject.ffmpeg_files if _has_codecs(found)]
    if not builds:
        context.skip("the image holds no FFmpeg codecs that can be read")
    unknown = [found for found in builds if found.build.encoders is None or found.build.decoders is None]
    families = _families(builds, data)
    context.measure(_summary(families, unknown, data), budget=_budget(policy))
    if unknown:
        yield _unknown(context, unknown)
    today = datetime.date.today()
    for held in families:
        yield _finding(context, held, today)


def _has_codecs(found: FoundFFmpeg) -> bool:
    """A shared build's tool has none, and neither have the other libraries."""
    return _HOLDER in found.identity.licenses or found.build.encoders is not None or found.build.decoders is not None


def _families(builds: Iterable[FoundFFmpeg], data: PatentData) -> list[Held]:
    """The codecs of the data that the builds hold, what is asked for first."""
    from ...sbom.patents import Exposure, implementation_of

    found: dict[str, Held] = {}

    def note(file: FoundFFmpeg, name: str, side: Literal["encoder", "decoder"]) -> None:
        known = implementation_of(name, side, data)
        if known is None or known.codec not in data.codecs:
            return
        held = found.setdefault(known.codec, Held(data.codecs[known.codec]))
        names: set[str] = getattr(held, f"{'device_' if known.device else ''}{side}s")
        names.add(name)
        if file not in held.files:
            held.files.append(file)

    for file in builds:
        for name in file.build.encoders or ():
            note(file, name, "encoder")
        for name in file.build.decoders or ():
            note(file, name, "decoder")
    order = list(Exposure)
    return sorted(found.values(), key=lambda held: (order.index(held.exposure), held.codec.name))


def _finding(context: Context, held: Held, today: datetime.date) -> Finding:
    policy, codec = context.policy, held.codec
    missing, expired = [], []
    standing: list[PatentCover] = []
    for use in held.uses(device="device" in policy.patents_on):
        covers = [one for one in (*policy.patents_agreements, *policy.patents_accepted) if one.covers(codec.id, use)]
        valid = [cover for cover in covers if not cover.expired(today)]
        standing += valid
        expired += [cover for cover in covers if cover.expired(today)]
        if use in policy.patents_on and codec.exposure(use) in policy.patents_require and not valid:
            missing.append(use)
    lines = [f"{codec.name} is in the image ({held}): exposure {held.exposure}{_in_short(codec, held.uses())}"]
    if missing:
        asked = ", ".join(f"{use} ({codec.exposure(use)})" for use in missing)
        lines.append(f"the policy asks for an agreement or an accepted reason for {asked}, and names none that stands")
    lines += [f"ended: {cover}" for cover in dict.fromkeys(expired)]
    lines += [f"named in the policy: {cover}" for cover in dict.fromkeys(standing)]
    for statement in codec.statements_on(held.uses()):
        scope = ", ".join(use for use in statement.scope if use in held.uses())
        said = f"as of {statement.as_of}, {statement.confidence} confidence, {statement.source}"
        lines.append(f"{scope}: {statement.says} ({said})")
    file = held.files[0]
    more = f" and {len(held.files) - 1} more" if len(held.files) > 1 else ""
    gone = "" if any(one.visible for one in held.files) else " (replaced or deleted by a later layer, but shipped)"
    return context.finding(
        f"{file.path}{more}{gone}: " + "\n  ".join(lines),
        layer=file.layer,
        file=file.path,
        severity=None if missing else Severity.NOTE,
        evidence=f"{codec.id}: {', '.join(missing)} without a cover" if missing else codec.id,
        fix=f"Name an agreement or an accepted reason for {codec.id} in the policy (patents.agreements, "
        f"patents.accepted), or build FFmpeg without {', '.join(sorted(_asked_names(held, missing)))}."
        if missing
        else "",
    )


_SHORT = {"asks": "asked for by", "sues": "sued over by", "grants": "granted or declared free by", "ended": "ended:"}


def _in_short(codec: Codec, uses: Sequence[str]) -> str:
    """Who says what, without the words, which follow with their days and sources."""
    told = codec.statements_on(uses)
    parts = []
    for kind, words in _SHORT.items():
        names = dict.fromkeys(statement.by for statement in told if statement.kind == kind)
        if names:
            parts.append(f"{words} {', '.join(names)}")
    newest = max((statement.as_of for statement in told), default=None)
    return f" ({'; '.join(parts)}, as of {newest})" if parts else ""


def _asked_names(held: Held, missing: Sequence[str]) -> set[str]:
    names: set[str] = set()
    if "encode" in missing or "streaming" in missing:
        names |= held.encoders | held.device_encoders
    if "decode" in missing:
        names |= held.decoders | held.device_decoders
    return names


def _unknown(context: Context, files: Sequence[FoundFFmpeg]) -> Finding:
    """Nothing said of a build's codecs isn't the same as none found."""
    file = files[0]
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return context.finding(
        f"{file.path}{more}: which encoders or decoders it holds can't be read: nothing is said of some of its codecs",
        layer=file.layer,
        file=file.path,
        severity=Severity.WARNING if context.policy.patents_require else Severity.NOTE,
        evidence="codecs unknown",
        fix="Look at what `ffmpeg -encoders` and `ffmpeg -decoders` print in the image.",
    )


def _summary(families: Sequence[Held], unknown: Sequence[FoundFFmpeg], data: PatentData) -> str:
    asked = [str(held.exposure) for held in families]
    counts = [f"{asked.count(exposure)} {exposure}" for exposure in ("required", "disputed") if exposure in asked]
    text = f"{len(families)} codecs" + (f", {', '.join(counts)}" if counts else "")
    text += f" ({data.source}, {data.as_of})"
    return f"{text}; codecs of {len(unknown)} files unknown" if unknown else text


def _budget(policy: Policy) -> str | None:
    if not policy.patents_require:
        return None
    return f"{', '.join(policy.patents_require)} on {', '.join(policy.patents_on)}: covered"


def _listed(word: str, names: Iterable[str]) -> str:
    listed = sorted(names)
    return f"{word}{'s' if len(listed) > 1 else ''} {', '.join(listed)}" if listed else ""
