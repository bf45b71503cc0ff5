"""`contents.models`: large data that belongs in artifact storage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...image.analysers import archived_media, kind, media
from ...image.entries import FILE
from ...result import Finding, format_bytes
from ..context import Context
from ..many import each
from ..registry import check
from .found import Found, accepts, hidden_by
from .leftover_places import place_of

_MODELS = {
    "gguf": "a GGUF model",
    "ggml": "a GGML model",
    "safetensors": "a model (safetensors)",
    "onnx": "an ONNX model",
    "tensorrt": "a TensorRT engine",
    "pytorch": "a PyTorch model",
    "tflite": "a TensorFlow Lite model",
}
# Models that belong to a filter (VMAF's, arnndn's) have a few MB at the most; whisper.cpp's smallest has 75 MB.
_SMALL_MODEL = 5 * 10**6
# Above Tesseract's models (23 MB) and ICU's data (30 MB).
_LARGE_DATA = 50 * 10**6
# Data all the same: what has no kind, and containers of data of any kind.
_DATA = frozenset((None, "sqlite", "hdf5", "numpy", "pickle", "pcap"))
# Large, and the system's own: package databases, locales, dumps of loaded classes, resources of browsers.
_SYSTEM = re.compile(
    r"(?:usr/lib/sysimage/rpm|var/lib/rpm|var/lib/dpkg|usr/lib/locale|lib/apk)/.*|.*/icudt[^/]*\.dat|.*\.(?:jsa|pak|a|so)",
    re.DOTALL,
)
_FIX = (
    "Push it as an artifact (oras push registry.example.com/models/NAME:1 FILE), pull it by digest into a volume "
    "when the container starts, or mount it as an image volume."
)


@check(
    "contents.models",
    fails="machine learning models of more than 5 MB, and other single data files of more than 50 MB",
    why="A model changes on its own schedule: in an image, each release of either makes every node pull both.",
)
def models(context: Context) -> Iterator[Finding]:
    files = list(_files(context))
    context.measure(sum(item.length for item in files), budget=0, unit="bytes")
    heaviest = sorted(files, key=lambda item: -item.length)
    yield from each(heaviest, lambda item: _told(context, item), "models and data files")


def _told(context: Context, item: Found) -> Finding:
    return context.finding(
        f"{item.path} is {item.fact} ({format_bytes(item.length)})",
        layer=item.layer,
        file=item.path,
        bytes=item.length,
        evidence=item.fact,
        fix=_FIX,
    )


def _files(context: Context) -> Iterator[Found]:
    """What a container sees; what it doesn't see is counted by `layers.waste`."""
    allowed = accepts(context.policy)
    for layer, facts in enumerate(context.image.layer_facts):
        entries, kinds = facts.entries, facts.found.get(kind.NAME, {})
        is_media = facts.found.get(media.NAME, {}).keys() | facts.found.get(archived_media.NAME, {}).keys()
        for ordinal in entries.of_type(FILE):
            length = entries.length(ordinal)
            if length <= _SMALL_MODEL:
                continue
            path, what = entries.path(ordinal), _MODELS.get(kinds.get(ordinal, ""))
            if what is None:
                if length <= _LARGE_DATA or kinds.get(ordinal) not in _DATA or ordinal in is_media:
                    continue
                if _SYSTEM.fullmatch(path) or place_of(path):
                    continue  # the latter are `contents.leftovers`
                what = "a large data file"
            if not allowed("/" + path) and hidden_by(context, layer, ordinal) is None:
                yield Found(layer, ordinal, "/" + path, length, what)
