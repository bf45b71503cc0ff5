"""Any SBOM in JSON as a Document."""

from __future__ import annotations

from typing import Any

from .cyclonedx import is_cyclonedx, read_cyclonedx
from .document import Document, InvalidSbom, load_json
from .spdx import is_spdx, read_spdx
from .spdx3 import is_spdx3, read_spdx3

_READERS = ((is_cyclonedx, read_cyclonedx), (is_spdx, read_spdx), (is_spdx3, read_spdx3))


def read_document(data: bytes | str | dict[str, Any]) -> Document:
    """CycloneDX JSON, SPDX 2.2, 2.3 or 3.0 JSON, as text or loaded. Raises InvalidSbom.

    `subject_digests` are those that the document itself gives; an in-toto statement around it may give others.
    """
    document = load_json(data) if isinstance(data, (bytes, str)) else data
    for recognises, read in _READERS:
        if recognises(document):
            return read(document)
    raise InvalidSbom("the document is neither CycloneDX JSON nor SPDX JSON")
