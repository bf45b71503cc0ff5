"""The BOM in CycloneDX 1.7, with what is said of patents on the codecs that each FFmpeg holds.

cyclonedx-python-lib has no model for patents: the document is extended as JSON, and validated by the schema.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from .bom import Sbom, numbered
from .builds import PREFIX
from .patents import Codec, Kind, PatentData, Statement, implementation_of
from .patents.model import Use

ASSERTIONS = {
    Kind.ASKS: "standards-inclusion",
    Kind.SUES: "third-party-claim",
    Kind.GRANTS: "non-assertion",
    Kind.EXEMPTS: "non-assertion",
}
"""CycloneDX's word for a statement. It has none for programmes that have ended and for what is unclear: left out."""
AS_OF = "mediaimage:patents:as-of"
"""The property of the BOM's metadata with the date of the patent data, and where that comes from."""
CODECS = "mediaimage:patents:codecs"
"""The property of an FFmpeg with the codecs that statements were looked up for; ``unknown`` where its encoders and
decoders can't be read."""


def with_patents(sbom: Sbom, data: PatentData) -> Sbom:
    """The same BOM in CycloneDX 1.7, each FFmpeg with a `patentAssertions` entry for each statement on its codecs."""
    source = {"name": AS_OF, "value": f"{data.as_of} ({data.source})"}
    metadata = sbom.json["metadata"]
    document = {
        **sbom.json,
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "specVersion": "1.7",
        "metadata": {**metadata, "properties": [*metadata.get("properties", ()), source]},
        "components": [_asserted(component, data) for component in sbom.json["components"]],
    }
    return Sbom(numbered(document))


def _asserted(component: Mapping[str, Any], data: PatentData) -> Mapping[str, Any]:
    held = {item["name"]: item["value"] for item in component.get("properties", ()) if "value" in item}
    lists = held.get(f"{PREFIX}encoders"), held.get(f"{PREFIX}decoders")
    if lists == (None, None):
        return component
    codecs = _codecs(lists[0] or "unknown", lists[1] or "unknown", data)
    unknown = not codecs and "unknown" in lists
    properties = [{"name": CODECS, "value": "unknown" if unknown else ",".join(sorted(codecs)) or "none"}]
    assertions = [entry for codec, uses in sorted(codecs.items()) for entry in _entries(data.codecs[codec], uses)]
    extended = {**component, "properties": [*component["properties"], *properties]}
    return {**extended, "patentAssertions": assertions} if assertions else extended


def _codecs(encoders: str, decoders: str, data: PatentData) -> dict[str, set[Use]]:
    """What each codec is used for by code in the build; what a device does isn't in it."""
    sides: tuple[tuple[str, Literal["encoder", "decoder"], tuple[Use, ...]], ...] = (
        (encoders, "encoder", ("encode", "streaming")),
        (decoders, "decoder", ("decode",)),
    )
    found: dict[str, set[Use]] = {}
    for names, side, uses in sides:
        for name in names.split(","):
            known = implementation_of(name, side, data)
            if known is not None and not known.device and known.codec in data.codecs:
                found.setdefault(known.codec, set()).update(uses)
    return found


def _entries(codec: Codec, uses: set[Use]) -> Iterator[dict[str, Any]]:
    for statement in codec.statements_on(uses):
        if statement.kind in ASSERTIONS:
            yield {
                "assertionType": ASSERTIONS[statement.kind],
                "asserter": {"name": statement.by, "url": [statement.source]},
                "notes": _notes(codec, statement),
            }


def _notes(codec: Codec, statement: Statement) -> str:
    about = ", ".join(statement.scope)
    return (
        f"{codec.name} ({about}): {statement.says}. As of {statement.as_of}, confidence {statement.confidence}: "
        f"{statement.source}. A dated statement of others, no advice."
    )
