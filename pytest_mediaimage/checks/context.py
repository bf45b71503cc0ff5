"""What a check is given: the image, the policy, and the means to run things."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from ..image.image import Image
from ..policy import Policy
from ..result import Finding, Skip

if TYPE_CHECKING:
    from .subject import Subject

Measurement = tuple[float | int | str | None, float | int | str | None, str]


@dataclass(slots=True)
class Context:
    """`subject` is the image under test with everything that is made for it once; `hardware_path` is `cpu`, ..."""

    subject: Subject
    policy: Policy
    hardware_path: str | None = None
    measurement: Measurement = field(default=(None, None, ""))

    @property
    def image(self) -> Image:
        return self.subject.image

    @property
    def label(self) -> str:
        return self.subject.label

    @property
    def platform(self) -> str:
        return self.subject.platform

    def measure(
        self, value: float | int | str | None, *, budget: float | int | str | None = None, unit: str = ""
    ) -> None:
        """Record what was measured and, where there is one, its budget in the same unit."""
        self.measurement = (value, budget, unit)

    def skip(self, reason: str) -> NoReturn:
        raise Skip(reason)

    def finding(self, message: str, *, layer: int | None = None, **fields: object) -> Finding:
        """A finding that blames a layer, counted from 0: its diffID and the instruction that made it.

        Credentials in it, and in any other text of a finding, are masked once the check is through.
        """
        blame: dict[str, object] = {}
        if layer is not None:
            found = self.image.layers[layer]
            blame = {"layer": str(found.diff_id), "created_by": found.created_by or None}
        return Finding(message, **blame, **fields)  # type: ignore[arg-type]
