"""Images in a Docker Engine, read from what it saves."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from engine_images import WAYS, assert_same, layout_image, load_plain, take, write_images
from image_helpers import AMD64, make_image, open_layout

from pytest_mediaimage.engine.faults import DOCKER
from pytest_mediaimage.errors import CorruptImage, EngineUnavailable, ImageNotFound, PlatformNotFound
from pytest_mediaimage.image.build import Item, LayoutWriter, layer, tar_of
from pytest_mediaimage.image.digest import Digest, Platform
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image, platforms_of
from pytest_mediaimage.image.sources.engine.config import instructions, platform_of
from pytest_mediaimage.image.sources.engine.files import FilesContent
from pytest_mediaimage.image.sources.engine.saved import SavedContent
from pytest_mediaimage.image.sources.engine.saving import Saving

if TYPE_CHECKING:
    from docker import DockerClient

NAME = "pytest-mediaimage-test/read-back:1"
DOCKERFILE = """\
FROM scratch
LABEL org.opencontainers.image.title=test
ENV A=b PATH=/bin
ADD files.tar /
COPY second /second
ARG UNUSED=1
WORKDIR /made/here
USER 1000
WORKDIR /made
COPY --chown=5:6 third.txt /other/third.txt
{run}EXPOSE 80
ENTRYPOINT ["/bin/none"]
CMD ["-version"]
VOLUME /data
"""
REMOVE = "int main(int c, char **v) { while (--c) if (remove(*++v)) return 1; return 0; }\n"


def build_context() -> tuple[bytes, bool]:
    """A build context, and whether it holds a program that deletes files (which takes a C compiler)."""
    files = [
        Item.directory("dir"),
        Item("dir/gone", b"0123456789"),
        Item("dir/kept", b"kept", mode=0o4755, uid=7, gid=8),
        Item.hardlink("dir/linked", "dir/kept", mode=0o4755),
        Item.symlink("link", "dir/kept"),
        Item("🎬.txt", b"name"),
    ]
    context = [Item("files.tar", tar_of(files)), Item("second", b"2" * 5000), Item("third.txt", b"three")]
    program = remove_program()
    if program:
        context.append(Item("remove", program, mode=0o755))
    run = 'COPY remove /remove\nUSER 0\nRUN ["/remove", "/dir/gone", "/remove"]\n' if program else ""
    context.append(Item("Dockerfile", DOCKERFILE.format(run=run).encode()))
    return tar_of(context), bool(program)


def remove_program() -> bytes | None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "remove"
        argv = [compiler, "-static", "-s", "-include", "stdio.h", "-x", "c", "-", "-o", str(program)]
        done = subprocess.run(argv, input=REMOVE.encode(), capture_output=True, check=False)
        return program.read_bytes() if done.returncode == 0 else None


@pytest.fixture(scope="module")
def deletes() -> bool:
    return build_context()[1]


@pytest.fixture(scope="module")
def built(docker_engine: DockerClient) -> Iterator[str]:
    context, _ = build_context()
    docker_engine.images.build(
        fileobj=io.BytesIO(context), custom_context=True, tag=NAME, rm=True, forcerm=True, network_mode="none"
    )
    yield NAME
    docker_engine.images.remove(NAME, force=True)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    take(request.param, monkeypatch)
    return str(request.param)


def open_docker(name: str, cache: Path) -> Image:
    return open_image(Reference.parse(f"docker:{name}"), AMD64, Opening(cache))


def saved_as_layout(client: DockerClient, name: str, root: Path) -> Path:
    """The same image read another way: the engine's own archive, taken apart by the standard library."""
    data = io.BytesIO(b"".join(client.images.get(name).save()))
    root.mkdir()
    writer = LayoutWriter(root)
    with tarfile.open(fileobj=data) as archive:

        def read(member: str) -> bytes:
            file = archive.extractfile(member)
            assert file is not None
            return file.read()

        (document,) = json.loads(read("manifest.json"))
        config = json.loads(read(document["Config"]))
        layers = [layer(read(path), compression="gzip") for path in document["Layers"]]
    writer.image(layers, config=config["config"], history=config["history"])
    return writer.finish()


def test_same_as_read_another_way(built: str, way: str, docker_engine: DockerClient, tmp_path: Path) -> None:
    ours, other = (
        open_docker(built, tmp_path / "cache"),
        open_layout(saved_as_layout(docker_engine, built, tmp_path / "l")),
    )
    assert ours.config.diff_ids == other.config.diff_ids
    assert ours.layer_facts == other.layer_facts
    assert ours.files == other.files
    assert ours.tree.hidden == other.tree.hidden
    for file in ours.files:
        if file.type == "file":
            assert ours.open(file.path).read() == other.open(file.path).read(), file.path
    # The configuration's own history says which instruction made a layer; the engine's answer, with "saved", doesn't.
    assert [item.created_by for item in ours.layers] == [item.created_by for item in other.layers]
    config, expected = ours.config, other.config
    for name in ("user", "env", "working_dir", "entrypoint", "cmd", "labels"):
        assert getattr(config, name) == getattr(expected, name), name


def test_what_it_says(built: str, deletes: bool, way: str, docker_engine: DockerClient, tmp_path: Path) -> None:
    image = open_docker(built, tmp_path)
    assert (image.source, image.name, image.platform) == ("docker", f"docker:{NAME}", "linux/amd64")
    assert image.engine_name == docker_engine.images.get(NAME).id
    assert image.digest == image.config_digest == image.engine_name
    assert image.compressed_size is None
    assert all(item.compressed_size is None for item in image.layers)
    files = {file.path: file for file in image.files}
    assert image.open("link").read() == b"kept"
    assert files["/dir/kept"].mode == files["/dir/linked"].mode == 0o4755
    assert (files["/other/third.txt"].uid, files["/other/third.txt"].gid) == (5, 6)
    hidden = {item.path: (item.layer, item.by) for item in image.tree.hidden}
    assert hidden == ({"dir/gone": (0, 5), "remove": (4, 5)} if deletes else {})
    assert len(image.layers) == (6 if deletes else 4)


def test_blame(built: str, deletes: bool, way: str, tmp_path: Path) -> None:
    """Each layer's instruction; LABEL, ENV, ARG, USER, EXPOSE, CMD and a WORKDIR that exists shift nothing."""
    image = open_docker(built, tmp_path)
    words = ["ADD file:", "COPY file:", "WORKDIR /made/here", "COPY --chown=5:6", "COPY file:", "/remove /dir/gone"]
    if not deletes:
        del words[4:]
    for item, word in zip(image.layers, words, strict=True):
        assert word in item.created_by
    paths = ["dir/kept", "second", "made/here", "other/third.txt", "remove", "dir/gone"]
    for facts, path in zip(image.layer_facts, paths, strict=False):
        assert path in {entry.path for entry in facts.entries}


def test_second_read_comes_from_the_cache(
    built: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_docker(built, tmp_path)
    facts = first.layer_facts

    def broken(self: object, *args: object, **options: object) -> None:
        raise AssertionError("the engine was asked again")

    monkeypatch.setattr(SavedContent, "layer_streams", broken)
    monkeypatch.setattr(FilesContent, "open_layer", broken)
    again = open_docker(built, tmp_path)
    assert again.layer_facts == facts
    assert again.files == first.files


def test_unpacked(built: str, way: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    image = open_docker(built, tmp_path / "cache")
    image.unpack(root)
    assert (root / "dir" / "kept").read_bytes() == b"kept"
    assert (root / "dir" / "kept").stat().st_mode & 0o7777 == next(f.mode for f in image.files if f.path == "/dir/kept")
    assert (root / "dir" / "kept").stat().st_ino == (root / "dir" / "linked").stat().st_ino
    assert sorted(p.name for p in root.iterdir()) == sorted({f.path.split("/")[1] for f in image.files})


def test_layers_that_are_equal(docker_engine: DockerClient, way: str, tmp_path: Path) -> None:
    """The engine saves one of them as a link to the other."""
    same = [Item("f", b"12")]
    image = make_image(tmp_path / "l", [same, [Item("g", b"1")], same])
    archive = io.BytesIO()
    image.write_docker_archive(archive)
    (loaded,) = docker_engine.images.load(archive.getvalue())
    assert loaded.id is not None
    try:
        ours = open_docker(loaded.id, tmp_path / "cache")
        assert ours.layer_facts == image.layer_facts
        assert ours.config.digest == image.config.digest
        assert ours.open("f").read() == b"12"
        assert ours.tree.wasted_size == image.tree.wasted_size == 2
    finally:
        docker_engine.images.remove(loaded.id, force=True)


def test_same_as_the_layout(docker_engine: DockerClient, way: str, tmp_path: Path) -> None:
    expected = layout_image(write_images(tmp_path / "layout"))
    identity = load_plain(docker_engine, expected)
    try:
        image = open_docker(identity, tmp_path / "cache")
        assert type(image._content) is (FilesContent if way == "directory" else SavedContent)
        assert_same(image, expected)
    finally:
        docker_engine.images.remove(identity, force=True)


def test_not_there(docker_engine: DockerClient, tmp_path: Path) -> None:
    with pytest.raises(ImageNotFound) as caught:
        open_docker("pytest-mediaimage-test/none:1", tmp_path)
    assert caught.value.tried == (("docker", "the Docker Engine has no such image"),)


def test_other_platform(built: str, tmp_path: Path) -> None:
    reference = Reference.parse(f"docker:{built}")
    assert list(platforms_of(reference, Opening(tmp_path))) == ["linux/amd64"]
    with pytest.raises(PlatformNotFound, match="it has: linux/amd64"):
        open_image(reference, Platform("linux/s390x"), Opening(tmp_path))


# Lines of `docker history`, oldest first: (CreatedBy, Size).
NOP = "/bin/sh -c #(nop) "
HISTORIES: dict[str, tuple[list[tuple[str, int]], int, list[str]]] = {
    "classic": (
        [
            (NOP + "ADD file:1 in / ", 50),
            (NOP + ' CMD ["x"]', 0),
            ("/bin/sh -c apt-get update", 9),
            (NOP + " ENV A=b", 0),
        ],
        2,
        [NOP + "ADD file:1 in / ", "/bin/sh -c apt-get update"],
    ),
    "buildkit": (
        [
            ("ENV PATH=/bin", 0),
            ("COPY a /a # buildkit", 5),
            ("USER 1000", 0),
            ("RUN /bin/sh -c true # buildkit", 0),
            ('ENTRYPOINT ["/a"]', 0),
        ],
        2,
        ["COPY a /a # buildkit", "RUN /bin/sh -c true # buildkit"],
    ),
    "workdir-that-made-a-directory": ([("COPY a /a", 5), ("WORKDIR /w", 0)], 2, ["COPY a /a", "WORKDIR /w"]),
    "workdir-that-was-there": ([("COPY a /a", 5), ("WORKDIR /w", 0)], 1, ["COPY a /a"]),
    "workdir-again": ([("WORKDIR /w/x", 0), ("COPY a /a", 5), ("WORKDIR /w", 0)], 2, ["WORKDIR /w/x", "COPY a /a"]),
    "imported": ([("", 70)], 1, [""]),
    "doubtful": ([("COPY a /a", 5), ("RUN true", 0), ("RUN false", 0)], 2, []),
    "too-short": ([("COPY a /a", 5)], 3, []),
    "none": ([], 2, []),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_instructions(name: str) -> None:
    history, layers, expected = HISTORIES[name]
    lines = [{"CreatedBy": text, "Size": size} for text, size in history]
    assert instructions(lines, layers) == expected


class Saved(Saving):
    """Gives what an engine would save, in pieces of a length that no block has, as an engine's socket does."""

    def __init__(self, data: bytes) -> None:
        client = SimpleNamespace(api=SimpleNamespace(inspect_image=lambda identity: {}))
        engine: Any = SimpleNamespace(product=DOCKER, client=client)
        super().__init__(engine, Digest(f"sha256:{'1' * 64}"), "docker:x", [])
        self.calls = 0
        self.data = data
        self.fault: Exception | None = None

    def _open(self) -> Any:
        self.calls += 1
        data = io.BytesIO(self.data)

        def read(size: int) -> bytes:
            if self.fault and data.tell():
                raise self.fault
            return data.read(777)

        return SimpleNamespace(read=read, close=lambda: None)


def engine_25(layers: Sequence[bytes], image: Image, *, end: int | None = None) -> bytes:
    """What `docker save` gives from version 25 on: a layout, its documents among the layers, in order of digest."""
    out = io.BytesIO()
    blobs = [*layers, image.config.raw, json.dumps({"layers": [], "padding": "x" * 3000}).encode(), b"{}" + b" " * 2000]
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("blobs/"))
        for data in blobs:
            digest = hashlib.sha256(data).hexdigest()
            info = tarfile.TarInfo(f"blobs/sha256/{digest}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name in ("index.json", "manifest.json", "oci-layout", "repositories"):
            info = tarfile.TarInfo(name)
            info.size = 2000
            archive.addfile(info, io.BytesIO(b"{" + b" " * 1998 + b"}"))
    return out.getvalue()[:end]


def from_engine_25(tmp_path: Path, *, packed: bool, end: int | None = None) -> tuple[Image, Image, Saved]:
    plain = [
        tar_of([Item("{", b"a name like JSON"), Item("a", b"1" * 2000)]),
        tar_of([Item(".wh.a"), Item("b", b"22")]),
    ]
    other = make_image(tmp_path / "l", list(plain))
    saved = Saved(engine_25([gzip.compress(data) for data in plain] if packed else plain, other, end=end))
    content = SavedContent(saved, other.config, tmp_path / "cache")
    reference = Reference.parse("docker:x")
    image = Image(reference, source="docker", config=other.config, content=content, cache=tmp_path / "cache")
    return image, other, saved


@pytest.mark.parametrize("packed", [False, True])
def test_what_newer_engines_save(packed: bool, tmp_path: Path) -> None:
    """Version 25 and later: layers plain, or compressed where containerd keeps the images."""
    image, other, saved = from_engine_25(tmp_path, packed=packed)
    assert image.layer_facts == other.layer_facts
    assert image.open("b").read() == b"22"
    assert image.open("{").read() == b"a name like JSON"
    assert saved.calls == 3  # which member is which layer is known after the first time
    (tmp_path / "root").mkdir()
    image.unpack(tmp_path / "root")
    assert sorted(path.name for path in (tmp_path / "root").iterdir()) == ["b", "{"]


def test_stream_that_breaks_off(tmp_path: Path) -> None:
    """A fault of the engine, which made the stream, and not of the image."""
    image, _, _ = from_engine_25(tmp_path, packed=False, end=4000)
    with pytest.raises(EngineUnavailable, match=r"broke off while it saved docker:x: .*ends in the middle"):
        _ = image.layer_facts


def test_save_without_a_layer(tmp_path: Path) -> None:
    image, other, saved = from_engine_25(tmp_path, packed=False)
    saved.data = engine_25([], other)
    with pytest.raises(CorruptImage, match="docker:x lacks a layer that its configuration names"):
        _ = image.layer_facts


def test_connection_that_breaks(tmp_path: Path) -> None:
    image, _, saved = from_engine_25(tmp_path, packed=False)
    saved.fault = ConnectionResetError("reset by peer")
    with pytest.raises(EngineUnavailable, match="the Docker Engine broke off while it saved docker:x: reset by peer"):
        _ = image.layer_facts


@pytest.mark.parametrize("data", [b"", b"[]", b'{"x": "y"}', b"\xff", b'{"blobs/sha256/x": "sha256:1"}'])
def test_damaged_map_of_members(data: bytes, tmp_path: Path) -> None:
    image, other, _ = from_engine_25(tmp_path, packed=True)
    folder = tmp_path / "cache" / "engine"
    folder.mkdir(parents=True)
    (folder / f"{image.config.digest.hex}.members.json").write_bytes(data)
    assert image.open("b").read() == b"22"
    assert image.layer_facts == other.layer_facts


def any_config() -> dict[str, Any]:
    return {"Os": "linux", "Architecture": "amd64"}


@pytest.mark.parametrize("change", [{"Os": ""}, {"Architecture": "AMD 64"}, {"Os": None}])
def test_engine_that_tells_no_platform(change: dict[str, Any]) -> None:
    with pytest.raises(CorruptImage, match="tells no platform"):
        platform_of({**any_config(), **change}, "Docker Engine")
