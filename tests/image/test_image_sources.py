"""Where images come from: layout directories, archives of them, and what is said where there is none."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from archive_makers import tar_folder
from image_helpers import AMD64, open_layout, write_layout

from pytest_mediaimage.errors import CorruptImage, EnvironmentFault, ImageNotFound
from pytest_mediaimage.image.build import Item, LayoutWriter, layer
from pytest_mediaimage.image.image import Image
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image, platforms_of

LAYERS = [
    layer([Item("a", b"1" * 3000), Item.directory("d"), Item.hardlink("d/b", "a")], "one"),
    layer([Item(".wh.a"), Item("c", os.urandom(300_000))], "two", compression="gzip"),
]


def open_at(text: str, cache: Path, platform: str = AMD64) -> Image:
    return open_image(Reference.parse(text), AMD64 if platform == AMD64 else type(AMD64)(platform), Opening(cache))


def tried(text: str, cache: Path) -> dict[str, str]:
    with pytest.raises(ImageNotFound) as caught:
        open_at(text, cache)
    assert all(reason in str(caught.value) for _, reason in caught.value.tried)
    return dict(caught.value.tried)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "layout", LAYERS)


def summary(image: Image) -> object:
    files = [(file, image.open(file.path).read() if file.type == "file" else b"") for file in image.files]
    return image.digest, image.config, image.layers, files, image.tree.hidden, image.compressed_size


def test_directory(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = summary(open_layout(layout))
    for text in (f"oci:{layout}", "oci:layout", "./layout", "oci:~/layout", "~/layout", f"{layout}/", "oci:layout/."):
        image = open_at(text, tmp_path / "cache")
        assert (image.source, image.name, image.reference.text) == ("oci", text, text)
        assert summary(image) == expected


def test_a_bare_name_can_be_a_directory(layout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_at("layout", tmp_path / "cache").source == "oci"


@pytest.mark.parametrize("options", [[], ["--format=gnu"], ["--format=posix"], ["--format=ustar"]], ids=repr)
def test_archive(options: list[str], layout: Path, tmp_path: Path) -> None:
    path = tar_folder(layout, tmp_path / "image.tar", *options)
    for text in (f"oci-archive:{path}", str(path)):
        image = open_at(text, tmp_path / "cache")
        assert image.source == "oci-archive"
        assert summary(image) == summary(open_layout(layout))
    assert list(platforms_of(Reference.parse(str(path)), Opening(tmp_path))) == ["linux/amd64"]


def test_archive_exported_and_unpacked(layout: Path, tmp_path: Path) -> None:
    path = tar_folder(layout, tmp_path / "image.tar")
    image = open_at(str(path), tmp_path / "cache")
    alone = image.write_layout(tmp_path / "alone")
    assert summary(open_layout(alone)) == summary(open_layout(layout))
    (tmp_path / "root").mkdir()
    image.unpack(tmp_path / "root")
    assert (tmp_path / "root" / "d" / "b").read_bytes() == b"1" * 3000


def test_archive_with_tags(tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    writer = LayoutWriter(tmp_path / "many")
    made = {tag: writer.image([layer([Item(tag, b"")])], tag=tag) for tag in ("a", "b")}
    path = tar_folder(writer.finish(), tmp_path / "image.tar")
    for tag, descriptor in made.items():
        assert open_at(f"oci-archive:{path}:{tag}", tmp_path).digest == descriptor["digest"]
        assert open_at(f"oci-archive:{path}@{descriptor['digest']}", tmp_path).digest == descriptor["digest"]


def test_what_is_no_layout(layout: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert tried(f"oci:{tmp_path}/none", tmp_path) == {"oci": "no such file or directory"}
    assert tried(f"oci:{layout}/index.json/x", tmp_path) == {"oci": "no such file or directory"}
    assert "it isn't a directory" in tried(f"oci:{layout}/index.json", tmp_path)["oci"]
    assert "no file oci-layout" in tried(f"oci:{tmp_path}/empty", tmp_path)["oci"]
    assert "it isn't a file" in tried(f"oci-archive:{layout}", tmp_path)["oci-archive"]
    assert "can't be looked at" in tried(f"oci:{tmp_path}/{'n' * 300}", tmp_path)["oci"]
    assert "can't be looked at" in tried("oci:~nobody-of-that-name/x", tmp_path)["oci"]
    assert tried(f"{tmp_path}/none", tmp_path).keys() == {"oci", "oci-archive", "docker-archive"}
    (layout / "index.json").unlink()
    assert "no file index.json" in tried(f"oci:{layout}", tmp_path)["oci"]
    (layout / "index.json").mkdir()
    assert "Is a directory" in tried(f"oci:{layout}", tmp_path)["oci"]


def test_tar_that_is_no_layout(tmp_path: Path) -> None:
    path = tmp_path / "other.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("f"), io.BytesIO())
    assert "no OCI image layout (it has no oci-layout)" in tried(f"oci-archive:{path}", tmp_path)["oci-archive"]
    path.write_text("no tar at all\n" * 100)
    assert "can't be read as a tar file" in tried(f"oci-archive:{path}", tmp_path)["oci-archive"]


def test_directory_in_another_form(layout: Path, tmp_path: Path) -> None:
    """What skopeo and podman call dir: the transport's name in words, and what to do."""
    for path in (*(layout / "blobs" / "sha256").iterdir(), layout / "index.json"):
        path.rename(tmp_path / path.name)
    (tmp_path / "version").write_text("Directory Transport Version: 1.1\n")
    assert "what skopeo calls dir: copy it to oci:" in tried(f"oci:{tmp_path}", tmp_path)["oci"]


def test_blob_that_is_a_directory(layout: Path, tmp_path: Path) -> None:
    image = open_layout(layout)
    path = layout / "blobs" / "sha256" / image.digest.hex
    path.unlink()
    path.mkdir()
    with pytest.raises(CorruptImage, match="the blob can't be read: Is a directory"):
        open_layout(layout)


@pytest.mark.parametrize("name", ["oci-layout", "index.json", "manifest", "layer"])
@pytest.mark.parametrize("kind", ["fifo", "device"])
def test_what_is_no_regular_file_is_not_waited_for(kind: str, name: str, layout: Path, tmp_path: Path) -> None:
    """A named pipe that nobody writes to, and a device without end."""
    manifest = open_layout(layout).manifest
    assert manifest is not None
    blobs = layout / "blobs" / "sha256"
    named = {"manifest": blobs / manifest.digest.hex, "layer": blobs / manifest.layers[0].digest.hex}
    path = named.get(name, layout / name)
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    assert "no regular file" in ask(f"oci:{layout}", tmp_path / "cache", timeout=60)


@pytest.mark.parametrize(
    "marker", [b"{}", b'{"imageLayoutVersion": "2.0.0"}', b'{"imageLayoutVersion": 1}', b"[]", b""]
)
def test_unknown_layout_version(marker: bytes, layout: Path) -> None:
    (layout / "oci-layout").write_bytes(marker)
    with pytest.raises(CorruptImage, match=f"^oci:{layout}: oci-layout: "):
        open_layout(layout)


_ASK = """\
import sys
from pathlib import Path
from pytest_mediaimage.errors import MediaImageError
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image
try:
    image = open_image(Reference.parse(sys.argv[1]), Platform("linux/amd64"), Opening(Path(sys.argv[2])))
    image.tree
except MediaImageError as error:
    print(type(error).__name__, error)
"""


def ask(text: str, cache: Path, **options: object) -> str:
    """What another process says of the image."""
    repository = str(Path(__file__).parents[2])
    packages = [path for path in sys.path if path.endswith("-packages")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([repository, *packages])}
    environment.update(options.pop("env", {}))  # type: ignore[call-overload]
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run(  # type: ignore[call-overload]
                [python, "-c", _ASK, text, cache],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                **options,
            )
        except OSError:
            continue
        if "ModuleNotFoundError" in done.stderr or "ImportError" in done.stderr:
            continue
        assert done.returncode == 0, done.stderr
        return str(done.stdout)
    pytest.skip("no Python here can be started by an unprivileged user")


def test_what_this_user_may_not_read(strangers_folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    stranger = {"user": 65534, "group": 65534, "extra_groups": []}
    layout = write_layout(strangers_folder / "layout", LAYERS)
    archive = tar_folder(layout, strangers_folder / "image.tar")
    cache = strangers_folder / "cache"
    assert ask(f"oci:{layout}", cache, **stranger) == ""
    (layout / "index.json").chmod(0)
    assert "its index.json can't be read: Permission denied" in ask(f"oci:{layout}", cache, **stranger)
    archive.chmod(0)
    assert "it can't be read: Permission denied" in ask(f"oci-archive:{archive}", cache, **stranger)
    (strangers_folder / "shut").mkdir(mode=0)
    said = ask(f"oci:{strangers_folder}/shut/layout", cache, **stranger)
    assert "it can't be looked at: Permission denied" in said
    shut = ask(f"{archive}", strangers_folder / "shut" / "cache", **stranger)
    assert "ImageNotFound" in shut


def test_cache_that_can_not_be_written(strangers_folder: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    layout = write_layout(strangers_folder / "layout", LAYERS)
    (strangers_folder / "shut").mkdir(mode=0o755)
    said = ask(f"oci:{layout}", strangers_folder / "shut", user=65534, group=65534, extra_groups=[])
    assert said.startswith("StorageFault")
    assert "--media-cache" in said


def test_engine_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's fault, with the reason and a way out."""
    for host, word in {
        f"unix://{tmp_path}/none.sock": "doesn't exist",
        "tcp://127.0.0.1:1": "connection refused",
    }.items():
        monkeypatch.setenv("DOCKER_HOST", host)
        with pytest.raises(EnvironmentFault, match=word) as caught:
            open_at("docker:ffmpeg", tmp_path)
        assert "image 'docker:ffmpeg' can't be looked up" in str(caught.value)
        assert "DOCKER_HOST" in caught.value.remedy
