"""Any bytes as an index, a manifest or a configuration: a document with sane fields, or CorruptImage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping

import harness

with harness.instrumented():
    from pytest_mediaimage.errors import CorruptImage
    from pytest_mediaimage.image.config import Config
    from pytest_mediaimage.image.digest import Digest, Platform
    from pytest_mediaimage.image.document import parse_document
    from pytest_mediaimage.image.limits import MAX_DESCRIPTORS, MAX_LAYERS
    from pytest_mediaimage.image.manifest import Descriptor, Index, Manifest

_ZEROS = Digest("sha256:" + "0" * 64)


def _writable(*texts: str) -> None:
    """Reports are UTF-8: a lone surrogate would end them."""
    for text in texts:
        assert isinstance(text, str)
        text.encode()


def _mapping(texts: Mapping[str, str]) -> None:
    _writable(*texts, *texts.values())


def _descriptor(descriptor: Descriptor) -> None:
    _writable(descriptor.media_type, descriptor.artifact_type)
    _mapping(descriptor.annotations)
    assert 0 <= descriptor.length < 1 << 63
    assert Digest(descriptor.digest) == descriptor.digest
    if descriptor.platform is not None:
        assert Platform(descriptor.platform) == descriptor.platform
    assert isinstance(descriptor.is_attestation, bool)


def _index(data: bytes) -> None:
    index = Index.from_bytes(data, "fuzz")
    assert len(index.manifests) <= MAX_DESCRIPTORS
    for descriptor in index.manifests:
        _descriptor(descriptor)


def _manifest(data: bytes) -> None:
    manifest = Manifest.from_bytes(data, _ZEROS)
    assert len(manifest.layers) <= MAX_LAYERS
    for descriptor in (manifest.config, *manifest.layers):
        _descriptor(descriptor)
    _writable(manifest.media_type)
    _mapping(manifest.annotations)


def _config(data: bytes) -> None:
    config = Config.from_bytes(data, _ZEROS)
    assert len(config.history) == len(config.diff_ids) <= MAX_LAYERS
    assert Platform(config.platform) == config.platform
    _writable(config.user, config.working_dir, *config.entrypoint, *config.cmd, *config.history)
    _mapping(config.env)
    _mapping(config.labels)


def _document(data: bytes) -> None:
    document = parse_document(data, blob="fuzz")
    assert json.loads(json.dumps(document, ensure_ascii=False).encode()) == document


_READERS: tuple[Callable[[bytes], None], ...] = (_index, _manifest, _config, _document)


def one_input(data: bytes) -> None:
    for read in _READERS:
        try:
            read(data)
        except CorruptImage as error:
            assert error.blob in (_ZEROS, "fuzz"), error


def seeds() -> Iterator[bytes]:
    from document_pieces import CONFIG, INDEX, MANIFEST

    run = {"User": "1000", "Env": ["A=b"], "Cmd": ["x"], "Entrypoint": None, "WorkingDir": "/", "Labels": {"a": "b"}}
    steps = [{"created_by": "RUN x", "empty_layer": True}, {"created_by": "COPY"}]
    attestation = {
        **INDEX["manifests"][0],
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": _ZEROS},
    }
    yield from (json.dumps(document).encode() for document in (CONFIG, INDEX, MANIFEST))
    yield json.dumps({**CONFIG, "variant": "v8", "config": run, "history": steps}, indent=1).encode()
    yield json.dumps({**INDEX, "manifests": [attestation] * 2, "schemaVersion": 2}).encode()
    yield json.dumps({**MANIFEST, "annotations": {"a": "é\ud83c"}, "mediaType": "m"}, ensure_ascii=True).encode()
    yield b'{"a":' * 70 + b"1" + b"}" * 70
    yield b'{"a":1,"a":2,"b":NaN,"c":' + b"9" * 40 + b"}"


WORDS = (
    *(f'\\"{name}\\":' for name in ("manifests", "layers", "config", "rootfs", "diff_ids", "history", "platform")),
    *(f'\\"{name}\\"' for name in ("os", "architecture", "variant", "size", "digest", "mediaType", "annotations")),
    *(f'\\"{name}\\"' for name in ("User", "Env", "Cmd", "Labels", "created_by", "empty_layer", "fsLayers")),
    _ZEROS,
    "null",
    "true",
    "NaN",
    "1e999",
    "\\\\ud800",
    "\\\\udc00",
    "\\\\u0000",
    "\\xef\\xbb\\xbf",
    "linux",
    "unknown",
)


if __name__ == "__main__":
    harness.main(one_input, seeds, WORDS, None)
