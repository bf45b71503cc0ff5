"""What is said of patents on codecs: statements, each with its date and source, and what they come to."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

Use = Literal["encode", "decode", "streaming"]
USES: tuple[Use, ...] = ("encode", "decode", "streaming")
"""What a statement is about: a product that encodes or decodes, or a service that sends what was encoded."""

CONFIDENCES = ("high", "medium", "low")


class Kind(enum.StrEnum):
    """What a statement says; `codecs.yaml` explains the words."""

    ASKS = "asks"
    EXEMPTS = "exempts"
    GRANTS = "grants"
    SUES = "sues"
    ENDED = "ended"
    UNCLEAR = "unclear"


class Exposure(enum.StrEnum):
    """What the statements on a use come to."""

    REQUIRED = "required"  # a programme asks, or a holder sues, and nobody grants
    DISPUTED = "disputed"  # a programme asks, or a holder sues, and another grants
    UNCLEAR = "unclear"  # nothing, or nothing clear, is said
    CLAIMED_FREE = "claimed-free"  # only grants and exemptions
    EXPIRED = "expired"  # programmes or patents that have ended, and nothing else


@dataclass(frozen=True, slots=True)
class Statement:
    """`says` is a neutral clause that names who says it; `source` an address; `as_of` the day it was read there."""

    by: str
    programme: str
    kind: Kind
    scope: tuple[Use, ...]
    says: str
    source: str
    confidence: str
    as_of: datetime.date


@dataclass(frozen=True, slots=True)
class Codec:
    """A family of codecs. `names` are names of encoders and decoders beside those that we know."""

    id: str
    name: str
    statements: tuple[Statement, ...]
    names: tuple[str, ...] = ()

    def statements_on(self, uses: Collection[str]) -> tuple[Statement, ...]:
        """The statements about any of these uses, those that ask first."""
        order = list(Kind)
        told = (statement for statement in self.statements if set(statement.scope) & set(uses))
        return tuple(sorted(told, key=lambda statement: order.index(statement.kind)))

    def exposure(self, *uses: str) -> Exposure:
        """What the statements about these uses come to."""
        kinds = {statement.kind for statement in self.statements_on(uses)}
        if kinds & {Kind.ASKS, Kind.SUES}:
            return Exposure.DISPUTED if Kind.GRANTS in kinds else Exposure.REQUIRED
        if kinds & {Kind.GRANTS, Kind.EXEMPTS}:
            return Exposure.CLAIMED_FREE
        return Exposure.EXPIRED if Kind.ENDED in kinds else Exposure.UNCLEAR


@dataclass(frozen=True, slots=True)
class PatentData:
    """Codecs by id. `as_of` is the day of the newest file, `source` what that file is called."""

    as_of: datetime.date
    source: str
    codecs: Mapping[str, Codec] = field(default_factory=dict)

    def extended(self, other: PatentData) -> PatentData:
        """These codecs with those of `other`, whose rows replace ours."""
        return PatentData(other.as_of, other.source, {**self.codecs, **other.codecs})
