"""The JSON report: every result with its measured value, for machines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import EnvironmentFault, MediaImageError
from ..result import encodable

if TYPE_CHECKING:
    from ..checks.subject import Subject
    from ..result import Result
    from .account import Account

SCHEMA_VERSION = 1


def document(
    subjects: Sequence[Subject], results: Sequence[Result], metrics: Mapping[str, Any], error: MediaImageError | None
) -> dict[str, Any]:
    """The report as a dict. `error` is there where no image could be opened, and nothing was judged."""
    report: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "pytest-mediaimage", "version": __version__},
        "images": [_image(subject) for subject in subjects],
        "results": [result.to_json() for result in results],
        "metrics": dict(metrics),
    }
    if error is not None:
        report["error"] = {"message": str(error), "environment": isinstance(error, EnvironmentFault)}
    return report


def text(account: Account) -> str:
    report = document(account.subjects, account.results, account.metrics, account.error)
    for subject, image in zip(account.subjects, report["images"], strict=True):
        image["sboms"] = [file.to_json() for file in account.sboms.get(subject.id, ())]
    report["interrupted"] = account.interrupted
    report["not_run"] = sum(map(account.not_run, account.subjects))
    if account.policy is not None:
        notes = [note.to_json("policy") for note in account.policy_notes]
        report["policy"] = {"source": account.policy.source, "findings": notes}
    return json.dumps(report, indent=2) + "\n"


def _image(subject: Subject) -> dict[str, Any]:
    image = subject.image
    try:
        sizes: Sequence[int | None] = [facts.unpacked_size for facts in image.layer_facts]
        unpacked: int | None = image.unpacked_size
        flattened: int | None = image.flattened_size
    except MediaImageError:  # the results say why
        sizes, unpacked, flattened = [None] * len(image.layers), None, None
    return {
        "reference": subject.label,
        "digest": image.digest,
        "index_digest": image.index_digest,
        "config_digest": image.config_digest,
        "platform": str(subject.platform),
        "compressed_size": image.compressed_size,
        "unpacked_size": unpacked,
        "flattened_size": flattened,
        "layers": [
            {
                "digest": layer.descriptor.digest if layer.descriptor else None,
                "diff_id": layer.diff_id,
                "media_type": layer.descriptor.media_type if layer.descriptor else None,
                "compressed_size": layer.compressed_size,
                "unpacked_size": size,
                "created_by": encodable(image.config.masked(layer.created_by)),
            }
            for layer, size in zip(image.layers, sizes, strict=True)
        ],
    }
