"""What a transcode left is fetched with what its playlists name, and with nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from pytest_mediaimage.checks.transcode.running import Job, Transcoded, TranscodeFailed, transcode
from pytest_mediaimage.runtime.base import CommandResult, Container


class _Container:
    """Files that a command left, by their path below the output's folder."""

    def __init__(self, **files: str) -> None:
        self.files = files
        self.asked: list[str] = []

    def copy_in(self, source: Path, target: str) -> None:
        pass

    def run(self, argv: list[str], **options: Any) -> CommandResult:
        return CommandResult(tuple(argv), 0, "", "", 1.0)

    def written(self, folder: str) -> int:
        return 0

    def copy_out(self, source: str, target: Path) -> None:
        name = source.split("/output/", 1)[1]
        self.asked.append(name)
        if name not in self.files:
            raise FileNotFoundError(name)
        target.write_text(self.files[name])


def _fetch(container: _Container, tmp_path: Path) -> Transcoded:
    source, folder = tmp_path / "in.mp4", tmp_path / "out"
    source.write_bytes(b"")
    folder.mkdir()
    job = Job(["-i", "{input}", "{output}"], source, ("master.m3u8",))
    return transcode(cast(Container, container), "/ffmpeg", job, folder)


_MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}\n"
_MEDIA = "#EXTM3U\n#EXTINF:2,\n{}\n"


def test_playlists_and_their_segments_in_folders(tmp_path: Path) -> None:
    files = {
        "master.m3u8": _MASTER.format("high/index.m3u8"),
        "high/index.m3u8": _MEDIA.format("media/0.m4s"),
        "high/media/0.m4s": "x",
        "high/media/1.m4s": "not named",
    }
    made = _fetch(_Container(**files), tmp_path).made
    assert list(made.outputs) == ["master.m3u8", "high/index.m3u8", "high/media/0.m4s"]
    assert made.path("high/media/0.m4s") == tmp_path / "out" / "high" / "media" / "0.m4s"


def test_what_a_playlist_names_may_be_missing_and_an_output_may_not(tmp_path: Path) -> None:
    made = _fetch(_Container(**{"master.m3u8": _MEDIA.format("gone.m4s")}), tmp_path).made
    assert list(made.outputs) == ["master.m3u8"]
    (tmp_path / "again").mkdir()
    with pytest.raises(TranscodeFailed, match="wrote no output"):
        _fetch(_Container(), tmp_path / "again")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("master.m3u8/b",), ("master.m3u8",)])
def test_names_that_are_file_and_folder(tmp_path: Path, names: tuple[str, ...]) -> None:
    text = "#EXTM3U\n" + "".join(f"#EXTINF:2,\n{name}\n" for name in names)
    made = _fetch(_Container(**{"master.m3u8": text, "a": "x"}), tmp_path).made
    assert set(made.outputs) <= {"master.m3u8", "a"}


@pytest.mark.parametrize("name", ["/etc/passwd", "../../etc/passwd", "http://example.com/a"])
def test_nothing_is_fetched_from_elsewhere(tmp_path: Path, name: str) -> None:
    container = _Container(**{"master.m3u8": _MEDIA.format(name)})
    _fetch(container, tmp_path)
    assert container.asked == ["master.m3u8"]


def test_playlists_without_end(tmp_path: Path) -> None:
    files = {f"{n}.m3u8": _MASTER.format(f"{n + 1}.m3u8") for n in range(1500)}
    files["master.m3u8"] = _MASTER.format("0.m3u8")
    assert len(_fetch(_Container(**files), tmp_path).made.outputs) == 1000
