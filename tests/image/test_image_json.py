"""Documents that are none, or hold something else than they should."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_helpers import open_layout, write_layout

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image.build import Item, LayoutWriter, layer
from pytest_mediaimage.image.config import Config
from pytest_mediaimage.image.digest import Digest
from pytest_mediaimage.image.manifest import MAX_DOCUMENT, Index, Manifest

ZEROS = Digest("sha256:" + "0" * 64)
ONE = layer([Item("f", b"1")], "COPY f /")
Document = dict[str, Any]

CONFIG = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [ZEROS]}, "config": {}, "history": []}
MANIFEST = {"config": {"digest": ZEROS, "size": 2}, "layers": [{"digest": ZEROS, "size": 2}]}
INDEX = {"manifests": [{"digest": ZEROS, "size": 2, "platform": {"os": "linux", "architecture": "amd64"}}]}
WRONG: tuple[Any, ...] = (None, True, 7, 1.5, "text", [], ["text"], [None], {}, {"a": 1}, [[]], "\ud800", 10**30, -1)


def places(document: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a JSON document."""
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for key, value in items for place in places(value, (*path, key)))]


@pytest.mark.parametrize(
    ("document", "parse"),
    [
        (
            {**CONFIG, "variant": "v1", "config": {"Env": ["A=b"], "Cmd": ["x"], "Labels": {"a": "b"}, "User": "u"}},
            Config,
        ),
        ({**CONFIG, "history": [{"created_by": "x", "empty_layer": False}]}, Config),
        ({**MANIFEST, "annotations": {"a": "b"}, "mediaType": "m"}, Manifest),
        ({**INDEX, "annotations": {"a": "b"}}, Index),
        ({"manifests": [{"digest": ZEROS, "size": 2, "annotations": {"a": "b"}, "artifactType": "t"}]}, Index),
    ],
)
def test_any_field_may_be_wrong(document: Document, parse: Any) -> None:
    """Whatever stands anywhere: a document that is understood, or one CorruptImage that names the blob."""
    refused = 0
    for place in places(document):
        for value in (*WRONG, "missing"):
            changed = json.loads(json.dumps(document))
            if place:
                holder = changed
                for key in place[:-1]:
                    holder = holder[key]
                if value == "missing":
                    del holder[place[-1]]
                else:
                    holder[place[-1]] = value
            else:
                changed = value
            try:
                parse.from_bytes(json.dumps(changed).encode(), ZEROS)
            except CorruptImage as error:
                refused += 1
                assert str(error).startswith(ZEROS)
    assert refused > 20
    parse.from_bytes(json.dumps(document).encode(), ZEROS)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
@settings(deadline=None)
def test_any_json(value: Any) -> None:
    for parse in (Config.from_bytes, Manifest.from_bytes):
        with pytest.raises(CorruptImage):
            parse(json.dumps(value).encode(), ZEROS)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b"\xff\xfe",
        b"{}" + bytes(10),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":NaN',
        b" " * (MAX_DOCUMENT + 1),
    ],
    ids=lambda data: repr(data[:8]) + str(len(data)),
)
def test_no_document(data: bytes) -> None:
    readers: list[Callable[[], object]] = [
        lambda: Config.from_bytes(data, ZEROS),
        lambda: Manifest.from_bytes(data, ZEROS),
        lambda: Index.from_bytes(data, "index.json"),
    ]
    for read in readers:
        with pytest.raises(CorruptImage):
            read()


@pytest.mark.parametrize("name", ["oci-layout", "index.json", "manifest", "config"])
@pytest.mark.parametrize("bomb", [b'{"a":' * 50_000, b" " * 5_000_000 + b"{}", b"[" * 4_000_000])
def test_json_bombs(name: str, bomb: bytes, tmp_path: Path) -> None:
    """Nested without end, or 5 MB long: told, without taking the memory it asks for."""
    root = write_layout(tmp_path / "l", [ONE])
    writer = LayoutWriter(root)
    media_type = "application/vnd.oci.image.manifest.v1+json"
    if name == "manifest":
        writer.list(writer.blob(bomb, media_type))
        writer.finish()
    elif name == "config":
        config = writer.blob(bomb, "application/vnd.oci.image.config.v1+json")
        writer.list(writer.blob(json.dumps({"config": config, "layers": []}).encode(), media_type))
        writer.finish()
    else:
        (root / name).write_bytes(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptImage):
            open_layout(root)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()


def test_long_document_is_not_read(tmp_path: Path) -> None:
    """A gigabyte in place of a small document: its length is enough to refuse it."""
    for name in ("oci-layout", "index.json"):
        root = write_layout(tmp_path / name, [ONE])
        with (root / name).open("r+b") as file:
            file.truncate(1 << 30)
        tracemalloc.start()
        try:
            with pytest.raises(CorruptImage, match="larger than 4194304 bytes"):
                open_layout(root)
            assert tracemalloc.get_traced_memory()[1] < 40 << 20
        finally:
            tracemalloc.stop()
