"""The Debian + ffmpeg image that the tests and benchmarks look at: `python debian.py` builds it.

It is made as such images are in practice: a distribution's packages in one big layer, then a user, the application,
and the OCI labels. The root file system is kept as a tar in the user's cache directory, since it takes a minute.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from docker import DockerClient

NAME = "pytest-mediaimage-test/debian-ffmpeg:1"
SUITE = "bookworm"

DOCKERFILE = """\
FROM scratch
ADD rootfs.tar /
RUN groupadd --gid 10001 media && useradd --uid 10001 --gid media --no-create-home --home-dir /work media \\
    && install -d -o media -g media /work
COPY encode /usr/local/bin/encode
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LABEL org.opencontainers.image.title="debian-ffmpeg" \\
      org.opencontainers.image.description="Debian's FFmpeg, as a team would ship it" \\
      org.opencontainers.image.version="1" \\
      org.opencontainers.image.licenses="GPL-2.0-or-later" \\
      org.opencontainers.image.source="https://example.org/media/debian-ffmpeg" \\
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
USER 10001:10001
WORKDIR /work
CMD ["ffmpeg", "-version"]
"""

ENCODE = """\
#!/bin/sh
# encode INPUT OUTPUT
exec ffmpeg -nostdin -v error -y -i "$1" -c:v libx264 -preset veryfast -crf 23 -c:a aac -movflags +faststart "$2"
"""


class CannotBuild(Exception):
    """This machine lacks what it takes; the text is the reason."""


def cache_directory() -> Path:
    """What test runs keep for the next one; may be deleted at any time."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "pytest-mediaimage-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _lock() -> Iterator[None]:
    """Of several processes that want the image, one makes it."""
    with (cache_directory() / "debian.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def root_file_system() -> Path:
    """The tar of Debian with ffmpeg, made when it isn't there. Raises CannotBuild."""
    with _lock():
        return _root_file_system()


def _root_file_system() -> Path:
    kept = cache_directory() / f"debian-{SUITE}-ffmpeg.tar"
    if kept.is_file():
        return kept
    program = shutil.which("mmdebstrap")
    if program is None:
        raise CannotBuild("mmdebstrap is missing: apt-get install mmdebstrap")
    new = kept.with_suffix(".new.tar")
    done = subprocess.run(
        [program, "--quiet", "--variant=minbase", "--include=ffmpeg", SUITE, str(new)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        new.unlink(missing_ok=True)
        raise CannotBuild(f"mmdebstrap ended with exit code {done.returncode}: {done.stderr.strip()[-600:]}")
    new.rename(kept)
    return kept


def build(client: DockerClient) -> str:
    """The image's name in the engine, built when it isn't there. Raises CannotBuild, docker.errors.DockerException."""
    from docker.errors import ImageNotFound

    with _lock():
        try:
            client.images.get(NAME)
        except ImageNotFound:
            tar = _root_file_system()
            with tempfile.TemporaryDirectory(dir=tar.parent) as context:
                folder = Path(context)
                (folder / "rootfs.tar").hardlink_to(tar)
                (folder / "Dockerfile").write_text(DOCKERFILE)
                (folder / "encode").write_text(ENCODE)
                (folder / "encode").chmod(0o755)
                client.images.build(path=context, tag=NAME, rm=True, forcerm=True, network_mode="none")
    return NAME


def main() -> None:
    import docker

    print(build(docker.from_env(timeout=600)))


if __name__ == "__main__":
    main()
