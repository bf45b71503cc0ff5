"""Findings and results: what a check says about an image. The JSON report has exactly these fields."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


class Severity(enum.IntEnum):
    """How bad a finding is. Only `ERROR` fails a check."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @classmethod
    def parse(cls, text: str) -> Severity:
        """`"error" | "warning" | "note"` to a severity; KeyError for other words."""
        return cls[text.upper()]

    def __str__(self) -> str:
        return self.name.lower()


class Skip(Exception):
    """Raised by a check that can't be measured here; the text is the reason shown to the user."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    `severity` None means the check's own. `layer` is a diffID, `created_by` the instruction that made the
    layer, `bytes` what the finding weighs, `evidence` the text it rests on: stable between rebuilds of the
    same content, since the fingerprint is made from it. `fix` is one sentence in the imperative.
    """

    message: str
    severity: Severity | None = None
    file: str | None = None
    layer: str | None = None
    created_by: str | None = None
    bytes: int | None = None
    evidence: str = ""
    fix: str = ""
    known: bool = False

    def __post_init__(self) -> None:
        for name in ("message", "file", "created_by", "evidence", "fix"):
            text = getattr(self, name)
            if isinstance(text, str) and not text.isascii():
                object.__setattr__(self, name, encodable(text))

    def fingerprint(self, check: str) -> str:
        """16 hex digits of sha256 over check, file and evidence with digests and hex runs blanked."""
        evidence = re.sub(r"\b(?:sha256:)?[0-9a-f]{12,64}\b", "#", self.evidence)
        return hashlib.sha256("\0".join((check, self.file or "", evidence)).encode()).hexdigest()[:16]

    def to_json(self, check: str) -> dict[str, Any]:
        fields = asdict(self)
        fields["severity"] = str(self.severity)
        return {"fingerprint": self.fingerprint(check), **fields}


class Status(enum.StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"


@dataclass(slots=True)
class Result:
    """The outcome of one check on one image, platform and hardware path.

    `measured` and `budget` are numbers in `unit` (`bytes`, `percent`, `layers`, `dB`, ...), or text where
    `unit` is empty. `duration` is in seconds. `reason` says why a check was skipped or broke.
    `required` is true where the policy doesn't accept a skip; `environment` where the machine is to blame.
    """

    check: str
    image: str
    platform: str
    hardware_path: str | None = None
    status: Status = Status.PASSED
    measured: float | int | str | None = None
    budget: float | int | str | None = None
    unit: str = ""
    duration: float = 0.0
    reason: str = ""
    findings: list[Finding] = field(default_factory=list)
    required: bool = False
    environment: bool = False
    fault: Exception | None = field(default=None, repr=False, compare=False)
    """What broke the check, in the process that ran it only."""

    def errors(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    def to_json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "image": self.image,
            "platform": self.platform,
            "hardware_path": self.hardware_path,
            "status": str(self.status),
            "measured": self.measured,
            "budget": self.budget,
            "unit": self.unit,
            "duration": round(self.duration, 4),
            "reason": self.reason,
            "findings": [finding.to_json(self.check) for finding in self.findings],
            "required": self.required,
            "environment": self.environment,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Result:
        findings = [
            Finding(**{**item, "severity": Severity.parse(item["severity"])})
            for item in ({k: v for k, v in raw.items() if k != "fingerprint"} for raw in data["findings"])
        ]
        return cls(**{**data, "status": Status(data["status"]), "findings": findings})


def encodable(text: str) -> str:
    """The text with an escape for each byte of a file name that isn't UTF-8: no report or worker could carry it on."""
    return text.encode("utf-8", "backslashreplace").decode()


def format_bytes(count: float) -> str:
    """Bytes in decimal units, as in policies: 1 MB = 10^6 bytes."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{value:.0f} B" if unit == "B" else f"{value:.4g} {unit}" if abs(value) < 1000 else f"{value:.1f} {unit}"
