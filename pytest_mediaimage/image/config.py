"""Config: what an image says of itself and of how it wants to be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import CorruptImage, InvalidReference
from .digest import Digest, Platform
from .document import array, fields, mapping, parse_document, string, strings
from .limits import MAX_LAYERS
from .masking import mask


@dataclass(frozen=True, slots=True)
class Config:
    """The image configuration. `history` holds the instruction of each layer, lowest first."""

    digest: Digest
    platform: Platform
    user: str
    env: Mapping[str, str]
    working_dir: str
    entrypoint: tuple[str, ...]
    cmd: tuple[str, ...]
    labels: Mapping[str, str]
    diff_ids: tuple[Digest, ...]
    history: tuple[str, ...]
    raw: bytes

    @classmethod
    def from_bytes(cls, data: bytes, digest: Digest) -> Config:
        """Raises CorruptImage where a field has the wrong shape."""
        document = parse_document(data, blob=digest)
        try:
            return cls._from_document(document, data, digest)
        except KeyError as error:
            raise CorruptImage(f"the image configuration is malformed: no {error}", blob=digest) from error
        except (TypeError, ValueError, InvalidReference) as error:
            raise CorruptImage(f"the image configuration is malformed: {error}", blob=digest) from error

    def masked(self, text: str) -> str:
        """A text for people, without the credentials that this configuration holds and without any of its own."""
        return mask(text, self)

    @classmethod
    def _from_document(cls, document: dict[str, Any], data: bytes, digest: Digest) -> Config:
        own = fields(document, "os", "architecture", "variant", "config", "rootfs", "history")
        run = fields(own.get("config"), "User", "Env", "WorkingDir", "Entrypoint", "Cmd", "Labels")
        diff_ids = tuple(Digest(item) for item in array(fields(own["rootfs"], "diff_ids")["diff_ids"]))
        if len(diff_ids) > MAX_LAYERS:
            raise ValueError(f"{len(diff_ids)} layers, more than {MAX_LAYERS}")
        blame = [step for step in map(_instruction, array(own.get("history"))) if step is not None]
        # A history that is shorter or longer than the layers can't be matched to them: no blame beats a wrong one.
        if len(blame) != len(diff_ids):
            blame = [""] * len(diff_ids)
        return cls(
            digest=digest,
            platform=Platform.of(string(own["os"]), string(own["architecture"]), string(own.get("variant"))),
            user=string(run.get("User")),
            env=dict(item.partition("=")[::2] for item in strings(run.get("Env"))),
            working_dir=string(run.get("WorkingDir")),
            entrypoint=strings(run.get("Entrypoint")),
            cmd=strings(run.get("Cmd")),
            labels=mapping(run.get("Labels")),
            diff_ids=diff_ids,
            history=tuple(blame),
            raw=data,
        )


def _instruction(step: Any) -> str | None:
    """The instruction of a step that made a layer; None where it made none."""
    own = fields(step, "created_by", "empty_layer")
    if not isinstance(own.get("empty_layer") or False, bool):
        raise TypeError(f"empty_layer is {str(own['empty_layer'])[:100]!r}")
    return None if own.get("empty_layer") else string(own.get("created_by"))
