"""Makes what the tests keep between runs, ahead of them: `PYTHONPATH=tests python -m support.prepare`.

The first test that asks for a thing would make it, too, or waits while it is made here. What can't be made is no error:
the tests that need it say so.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from . import attaching, builds, debian, debs, libraries, other_engines, published, tiny_ffmpeg

AT_ONCE = 2
"""One is compiled, one comes over the network."""

MAKERS: list[Callable[[], object]] = [
    tiny_ffmpeg.build,
    debian.root_file_system,
    attaching.registry_program,
    *(lambda name=name: published.fetch(name) for name in published.PACKAGES),  # type: ignore[misc]
    builds.BUILDS["debian-7.1"],
    builds.BUILDS["debian-7.1-aarch64"],
    libraries.fetch,
    attaching.programs,
    other_engines.docker_programs,
]


def make(maker: Callable[[], object]) -> None:
    with suppress(debian.CannotBuild, debs.CannotFetch, other_engines.NoEngine):
        maker()


def main() -> None:
    os.nice(10)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(make, MAKERS))


if __name__ == "__main__":
    main()
