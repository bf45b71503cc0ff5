"""Documents that are none, or hold something else than they should."""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from document_pieces import CONFIG, INDEX, MANIFEST, ZEROS, Document
from hypothesis import given, settings
from hypothesis import strategies as st
from image_helpers import open_layout, write_layout

from pytest_mediaimage.errors import CorruptImage
from pytest_mediaimage.image.build import Item, LayoutWriter, layer
from pytest_mediaimage.image.config import Config
from pytest_mediaimage.image.document import fields, parse_document
from pytest_mediaimage.image.limits import MAX_DESCRIPTORS, MAX_DOCUMENT, MAX_LAYERS, MAX_NESTING
from pytest_mediaimage.image.manifest import Descriptor, Index, Manifest

ONE = layer([Item("f", b"1")], "COPY f /")

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


def refused(parse: Any, document: Any, match: str) -> None:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(CorruptImage, match=match) as caught:
        parse.from_bytes(data, ZEROS)
    assert caught.value.blob == ZEROS


def nested(depth: int, opening: bytes, closing: bytes) -> bytes:
    return b'{"a":' + opening * depth + b"1" + closing * depth + b"}"


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"b":', b"}"), (b'["[",{"c]":', b"}]")])
def test_nesting(opening: bytes, closing: bytes) -> None:
    """Real documents are six deep. Brackets in strings don't count, and neither do many side by side."""
    times = 2 if opening.startswith(b'["') else 1
    deepest = (MAX_NESTING - 1) // times
    parse_document(nested(deepest, opening, closing), blob="x")
    with pytest.raises(CorruptImage, match=f"nested more than {MAX_NESTING} deep"):
        parse_document(nested(MAX_NESTING, opening, closing), blob="x")
    wide = b'{"a":"' + b"[" * 1000 + b'\\"{{{","b":[' + b"[],{}," * 1000 + b"1]}"
    assert parse_document(wide, blob="x")["a"].endswith('"{{{')


def test_nesting_is_bounded_whatever_the_recursion_limit(tmp_path: Path) -> None:
    """A test suite may have raised it, and then the parser's stack would overflow and end the process."""
    code = (
        "import sys; sys.setrecursionlimit(10**8)\n"
        "from pytest_mediaimage.errors import CorruptImage\n"
        "from pytest_mediaimage.image.document import parse_document\n"
        "for opening in (b'[', b'{\"a\":'):\n"
        "    try: parse_document(b'{\"a\":' + opening * 600_000, blob='x')\n"
        "    except CorruptImage as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [f"x: no valid JSON: nested more than {MAX_NESTING} deep"] * 2, done.stderr


@pytest.mark.parametrize(
    "data",
    [b'{"a":' + b"9" * 5000 + b"}", b'{"a":' + b"9" * 4_000_000 + b"}", b'{"a":-' + b"1" * 30 + b"}"],
    ids=len,
)
def test_long_numbers(data: bytes) -> None:
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)  # as a test suite may do
    try:
        with pytest.raises(CorruptImage, match=r"no valid JSON: a number of \d+ digits"):
            parse_document(data, blob="x")
    finally:
        sys.set_int_max_str_digits(limit)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_does_not_have(word: str) -> None:
    with pytest.raises(CorruptImage, match=f"{word} is no number in JSON"):
        parse_document(b'{"a":%b}' % word.encode(), blob="x")


@pytest.mark.parametrize(
    "data",
    [
        "\ufeff{}".encode(),
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32-le"),
        b'{"a":"\xed\xa0\x80"}',
        b'{"\xff":1}',
    ],
    ids=["mark", "utf-16", "utf-32", "surrogate", "no-utf-8"],
)
def test_nothing_but_utf8(data: bytes) -> None:
    """Engines read no other encoding."""
    with pytest.raises(CorruptImage, match="no valid JSON"):
        parse_document(data, blob="x")


def test_a_key_that_stands_twice_is_refused() -> None:
    """Which one wins depends on the reader: Go merges two objects, Python takes the last."""
    refused(Manifest, b'{"config":{},"layers":[],"layers":[]}', "no valid JSON: a key stands twice in one object")
    refused(Config, json.dumps(CONFIG)[:-1].encode() + b',"config":{"User":"root"}}', "a key stands twice")


def test_keys_are_known_in_any_case() -> None:
    """Go's encoding/json takes `user` for `User`: a container would run as that user."""
    document = {"OS": "linux", "Architecture": "amd64", "RootFS": {"Diff_IDs": [ZEROS]}, "Config": {"user": "media"}}
    assert Config.from_bytes(json.dumps(document).encode(), ZEROS).user == "media"
    both = {**CONFIG, "config": {"User": "media", "user": "root"}}
    refused(Config, both, "the image configuration is malformed: 'User' stands there in two spellings")
    refused(Manifest, {**MANIFEST, "LAYERS": []}, "'layers' stands there in two spellings")
    refused(Index, {**INDEX, "manifest\u017f": []}, "'manifests' stands there in two spellings")
    assert fields({"\u212aey": 1}, "key") == {"key": 1}


def test_labels_may_differ_in_case_only() -> None:
    labels = {"Maintainer": "a", "maintainer": "b"}
    document = {**CONFIG, "config": {"Labels": labels}}
    assert Config.from_bytes(json.dumps(document).encode(), ZEROS).labels == labels


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (r"\ud83c\udfac", "🎬"),
        (r"\ud800", "\ufffd"),
        (r"\udc00 \ud800\ud83c\udfac\uDBFF", "\ufffd \ufffd🎬\ufffd"),
        (r"\\ud800", r"\ud800"),
        (r"\\\ud800\n", "\\\ufffd\n"),
    ],
)
def test_lone_surrogates(escaped: str, text: str) -> None:
    """As in Go: what is no character becomes U+FFFD, so that every report can be written."""
    assert parse_document(b'{"a":"%b"}' % escaped.encode(), blob="x") == {"a": text}


@given(st.text(st.sampled_from('\\u d8DcCfF0123"n{[')), st.booleans())
def test_any_string(text: str, ascii: bool) -> None:
    document = {"a": text, text: [text]}
    assert parse_document(json.dumps(document, ensure_ascii=ascii).encode(), blob="x") == document


def test_null_is_what_is_not_there() -> None:
    """Go writes null for an empty list."""
    assert Manifest.from_bytes(json.dumps({**MANIFEST, "layers": None, "mediaType": None}).encode(), ZEROS).layers == ()
    assert Index.from_bytes(b'{"manifests":null}', "x").manifests == ()
    nothing = dict.fromkeys(("User", "Env", "WorkingDir", "Entrypoint", "Cmd", "Labels"))
    config = Config.from_bytes(json.dumps({**CONFIG, "config": nothing, "history": None}).encode(), ZEROS)
    assert (config.user, config.env, config.working_dir, config.cmd, config.labels) == ("", {}, "", (), {})
    descriptor = {"digest": ZEROS, "size": 1, "mediaType": None, "annotations": None, "artifactType": None}
    assert Descriptor.from_json(descriptor, blob="x") == Descriptor("", ZEROS, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"User": 1000},
        {"Env": "A=b"},
        {"Env": {"A": "b"}},
        {"Env": [["A=b"]]},
        {"Cmd": "ffmpeg"},
        {"Entrypoint": {"a": "b"}},
        {"Labels": ["a=b"]},
        {"Labels": {"a": 1}},
        {"WorkingDir": ["/"]},
    ],
    ids=str,
)
def test_types_of_the_configuration(change: Document) -> None:
    refused(Config, {**CONFIG, "config": change}, "the image configuration is malformed: .* should be")


@pytest.mark.parametrize("history", [{"a": "b"}, "text", [1], [{"created_by": 1}], [{"empty_layer": "no"}], [["RUN"]]])
def test_types_of_the_history(history: Any) -> None:
    refused(Config, {**CONFIG, "history": history}, "the image configuration is malformed: ")


@pytest.mark.parametrize("size", [-1, 1 << 63, 10**19, 2.0, 1e3, True, "2", None])
def test_size_of_a_descriptor(size: Any) -> None:
    refused(Index, {"manifests": [{"digest": ZEROS, "size": size}]}, "a descriptor is malformed")


def test_what_a_document_is_depends_on_nobody() -> None:
    """CVE-2021-41190: one digest, an index for one reader and an image for the next."""
    refused(Manifest, {**MANIFEST, **INDEX}, "an index in place of an image manifest")
    refused(Index, {**MANIFEST, **INDEX}, "an image manifest in place of an index")
    index, image = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"
    refused(Manifest, {**MANIFEST, "mediaType": index}, "an index in place of an image manifest")
    refused(Index, {**INDEX, "mediaType": image}, "an image manifest in place of an index")
    refused(Manifest, {"schemaVersion": 1, "fsLayers": []}, "a manifest of schema 1")


def test_numbers_of_layers_and_descriptors() -> None:
    layer_, manifest = MANIFEST["layers"][0], {"digest": ZEROS, "size": 2}
    assert len(Manifest.from_bytes(json.dumps({**MANIFEST, "layers": [layer_] * MAX_LAYERS}).encode(), ZEROS).layers)
    assert len(Index.from_bytes(json.dumps({"manifests": [manifest] * MAX_DESCRIPTORS}).encode(), "x").manifests)
    refused(Manifest, {**MANIFEST, "layers": [layer_] * (MAX_LAYERS + 1)}, "1001 layers, more than 1000")
    refused(Index, {"manifests": [manifest] * (MAX_DESCRIPTORS + 1)}, "10001 manifests, more than 10000")
    many = {**CONFIG, "rootfs": {"diff_ids": [ZEROS] * (MAX_LAYERS + 1)}}
    refused(Config, many, "1001 layers, more than 1000")
    refused(Manifest, {**MANIFEST, "layers": [{}] * 100_000}, "100000 layers, more than 1000")
    refused(Index, {"manifests": [{}] * 100_000}, "100000 manifests, more than 10000")


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
