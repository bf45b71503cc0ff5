"""The configuration of an image as an engine tells it, which keeps the original to itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ....errors import CorruptImage, InvalidReference
from ...config import Config
from ...digest import Digest, Platform


def platform_of(attributes: Mapping[str, Any], engine: str) -> Platform:
    """The platform in an answer to inspect. Raises CorruptImage where there is none."""
    try:
        return Platform.of(attributes["Os"], attributes["Architecture"], attributes.get("Variant") or "")
    except (KeyError, InvalidReference) as error:
        raise CorruptImage(f"{engine} tells no platform for the image: {error}") from error


def config_of(attributes: Mapping[str, Any], identity: Digest, history: Sequence[Mapping[str, Any]]) -> Config:
    """An answer to inspect, and an OCI `history`, in the words of the image configuration. Raises CorruptImage."""
    document = {
        "os": attributes.get("Os", ""),
        "architecture": attributes.get("Architecture", ""),
        "variant": attributes.get("Variant") or "",
        "config": attributes.get("Config") or {},
        "rootfs": {"type": "layers", "diff_ids": layers_of(attributes)},
        "history": list(history),
    }
    return Config.from_bytes(json.dumps(document).encode(), identity)


def layers_of(attributes: Mapping[str, Any]) -> list[Any]:
    """The diffIDs, as the engine writes them."""
    return (attributes.get("RootFS") or {}).get("Layers") or []


_METADATA = re.compile(
    r"(?:/bin/sh -c #\(nop\)\s+)?"
    r"(?:ARG|CMD|ENTRYPOINT|ENV|EXPOSE|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|SHELL|STOPSIGNAL|USER|VOLUME)\b"
)


def instructions(history: Sequence[dict[str, Any]], layers: int) -> list[str]:
    """The instruction of each layer, from Docker's `history`, oldest first.

    Docker doesn't say which instructions made no layer, so it is told by their bytes and words; where that leaves a
    doubt nobody is blamed.
    """
    lines = [(str(item.get("CreatedBy") or ""), bool(item.get("Size"))) for item in history]
    made = [(line, sized) for line, sized in lines if sized or not _METADATA.match(line)]
    # BuildKit makes a layer of every WORKDIR, the builder before it only where the directory is new.
    known: list[str] = []
    new = []
    for line, sized in made:
        place = "" if sized or "WORKDIR " not in line else line.rpartition("WORKDIR ")[2].strip()
        if not place or not any(f"{earlier}/".startswith(f"{place}/") for earlier in known):
            new.append(line)
        known += [place] if place else []
    for reading in (
        [line for line, _ in made],
        new,
        [line for line, sized in made if sized or "WORKDIR " not in line],
    ):
        if len(reading) == layers:
            return reading
    return []
