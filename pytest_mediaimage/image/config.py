"""Config: what an image says of itself and of how it wants to be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import CorruptImage, InvalidReference
from .digest import Digest, Platform
from .manifest import parse_document


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
        except (KeyError, TypeError, ValueError, AttributeError, InvalidReference) as error:
            raise CorruptImage(f"the image configuration is malformed: {error!r}", blob=digest) from error

    @classmethod
    def _from_document(cls, document: dict[str, Any], data: bytes, digest: Digest) -> Config:
        run = document.get("config") or {}
        diff_ids = tuple(Digest(item) for item in document["rootfs"]["diff_ids"] or ())
        blame = [str(h.get("created_by") or "") for h in document.get("history") or () if not h.get("empty_layer")]
        # A history that is shorter or longer than the layers can't be matched to them: no blame beats a wrong one.
        if len(blame) != len(diff_ids):
            blame = [""] * len(diff_ids)
        return cls(
            digest=digest,
            platform=Platform.of(document["os"], document["architecture"], document.get("variant") or ""),
            user=str(run.get("User") or ""),
            env=dict(item.partition("=")[::2] for item in run.get("Env") or ()),
            working_dir=str(run.get("WorkingDir") or ""),
            entrypoint=_argv(run.get("Entrypoint")),
            cmd=_argv(run.get("Cmd")),
            labels={str(k): str(v) for k, v in (run.get("Labels") or {}).items()},
            diff_ids=diff_ids,
            history=tuple(blame),
            raw=data,
        )


def _argv(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f"{value!r} should be a list")
    return tuple(str(item) for item in value or ())
