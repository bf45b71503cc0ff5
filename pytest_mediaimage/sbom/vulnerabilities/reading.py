"""Reads a scanner's report, whatever the file holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import UsageError
from . import grype, trivy
from .fields import Fields, WrongReport
from .model import Report

LARGEST = 50_000_000
"""Bytes of a report. grype writes about 4 kB for a match: this is room for 12,000. Read as JSON, a hostile file takes
20 times its size."""

_REMEDY = "Make one with `grype IMAGE -o json --file FILE` or `trivy image --format json --output FILE IMAGE`."
_OTHERS = {
    "bomFormat": "a CycloneDX BOM",
    "spdxVersion": "an SPDX document",
    "runs": "a SARIF log",
    "dependencies": "another tool's report",
}


def read_report(path: Path, *, largest: int = LARGEST) -> Report:
    """The report in a file. Raises UsageError, which names the file and the place in it."""
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise UsageError(f"the vulnerability report {path} can't be read: {error.strerror or error}") from error
    if len(data) > largest:
        raise UsageError(
            f"the vulnerability report {path} is larger than {largest} bytes",
            remedy="Leave out what isn't judged: grype's --only-fixed, trivy's --severity.",
        )
    return parse_report(data, str(path))


def parse_report(data: bytes, name: str) -> Report:
    """The report that a file's bytes are. Raises UsageError like `read_report`."""
    document = _load(data, name)
    try:
        fields = Fields(document, "")
        for scanner, reader, recognises in (("grype", grype, grype.is_grype), ("trivy", trivy, trivy.is_trivy)):
            if recognises(fields):
                return _report(scanner, reader, fields)
    except WrongReport as error:
        raise UsageError(f"{name}: {error}", remedy=_REMEDY) from error
    other = next((what for key, what in _OTHERS.items() if key in fields), "")
    said = f"{name} is {other}" if other else f"{name} is JSON"
    raise UsageError(f"{said}, and neither grype's nor trivy's JSON report", remedy=_REMEDY)


def _report(scanner: str, reader: Any, fields: Fields) -> Report:
    version, made = reader.tool_of(fields)
    found = dict.fromkeys(reader.vulnerabilities_of(fields))  # each once: the same package may lie in several results
    ordered = sorted(found, key=lambda one: (-one.severity, one.package, one.id, one.path))
    return Report(scanner, version, made, reader.image_of(fields), tuple(ordered))


def _load(data: bytes, name: str) -> Any:
    if not data.strip():
        raise UsageError(f"{name} is empty", remedy=_REMEDY)
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise UsageError(f"{name}:{error.lineno}:{error.colno}: no valid JSON: {error.msg}", remedy=_REMEDY) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: no text: byte {error.start} is no {error.encoding}", remedy=_REMEDY) from error
    except RecursionError as error:
        raise UsageError(f"{name}: its JSON is nested too deep", remedy=_REMEDY) from error
    except ValueError as error:  # a number of thousands of digits
        raise UsageError(f"{name}: no valid JSON: {str(error)[:100]}", remedy=_REMEDY) from error
