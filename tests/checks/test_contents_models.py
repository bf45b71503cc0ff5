"""`contents.models`: large data that has a schedule of its own, and what is large for a reason."""

from __future__ import annotations

import json
import struct

import pytest
from layer_images import MB, Judge, judge, messages

from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.result import Severity, Status

__all__ = ["judge"]


def copied(*items: Item) -> BuiltLayer:
    return layer(items, "COPY models /models")


def safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    return struct.pack("<Q", len(header)) + header


STARTS = {
    "whisper.gguf": (b"GGUF\3\0\0\0", "a GGUF model"),
    "ggml-base.bin": (b"lmgg" + struct.pack("<II", 51865, 1500), "a GGML model"),
    "sd.bin": (safetensors(), "a model (safetensors)"),
    "denoise.onnx": (b"\x08\x08\x12\x07pytorch", "an ONNX model"),
    "engine": (b"ptrt\xe8\0\0\0" + bytes(24), "a TensorRT engine"),
    "w.pt": (b"PK\x03\x04" + bytes(22) + b"\x10\0\0\0archive/data.pkl", "a PyTorch model"),
    "face.bin": (b"\x1c\0\0\0TFL3", "a TensorFlow Lite model"),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_large_model_is_a_warning(judge: Judge, name: str) -> None:
    start, what = STARTS[name]
    result = judge("contents.models", [copied(Item(f"models/{name}", start.ljust(6 * MB, b"\0")))])
    (finding,) = result.findings
    assert (result.status, result.measured, finding.severity) == (Status.PASSED, 6 * MB, Severity.WARNING)
    assert finding.message == f"/models/{name} is {what} (6 MB)"
    assert (finding.created_by, finding.bytes) == ("COPY models /models", 6 * MB)
    assert "oras push registry.example.com/models/NAME:1" in finding.fix


def test_other_large_data(judge: Judge) -> None:
    items = [Item("srv/index.dat", b"\1" * 51 * MB), Item("srv/geo.sqlite", b"SQLite format 3\0".ljust(52 * MB, b"\0"))]
    result = judge("contents.models", [copied(*items)], severity={})
    assert (result.status, result.measured) == (Status.FAILED, 103 * MB)
    assert messages(result).splitlines() == [
        "/srv/geo.sqlite is a large data file (52 MB)",
        "/srv/index.dat is a large data file (51 MB)",
    ]


def test_small_models_and_what_is_large_for_a_reason_pass(judge: Judge) -> None:
    large = 51 * MB
    items = [
        Item("usr/share/model/vmaf_v0.6.1.json", b'{"param_dict": {}}' * 1000),
        Item("models/silero.onnx", b"\x08\x08\x12\x07pytorch".ljust(3 * MB, b"\0")),
        Item("usr/lib/libcublasLt.so.12", b"\x7fELF\2\1\1".ljust(large, b"\0")),
        Item("usr/lib/jvm/lib/modules", b"\xda\xda\xfe\xca\0\0\1\0".ljust(large, b"\0")),
        Item("usr/lib/jvm/lib/server/classes.jsa", b"\1".ljust(large, b"\0")),
        Item("usr/lib/sysimage/rpm/rpmdb.sqlite", b"SQLite format 3\0".ljust(large, b"\0")),
        Item("usr/lib/locale/locale-archive", b"\1".ljust(large, b"\0")),
        Item("usr/share/fonts/NotoSansCJK.ttc", b"ttcf\0\1\0\0".ljust(large, b"\0")),
        Item("opt/data.tar.zst", b"\x28\xb5\x2f\xfd".ljust(large, b"\0")),
        Item("app/.git/objects/pack/a.pack", b"PACK".ljust(large, b"\0")),
        Item("app/film.bin", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom".ljust(large, b"\0")),
        Item("usr/share/tessdata/eng.traineddata", b"\1" * 23 * MB),
    ]
    result = judge("contents.models", [copied(*items)])
    assert (result.status, result.measured, result.findings) == (Status.PASSED, 0, [])


def test_a_deleted_model_is_counted_as_waste_only(judge: Judge) -> None:
    layers = [copied(Item("models/a.gguf", b"GGUF\3\0\0\0".ljust(6 * MB, b"\0")))]
    layers.append(layer([Item("models/.wh.a.gguf")], "RUN rm"))
    assert judge("contents.models", layers).findings == []


def test_what_the_policy_allows_passes(judge: Judge) -> None:
    layers = [copied(Item("models/a.gguf", b"GGUF\3\0\0\0".ljust(6 * MB, b"\0")))]
    assert judge("contents.models", layers, contents_allow=("/models/*.gguf",)).findings == []
