"""The fixtures for a team's own tests, parametrised over the images and platforms of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .checks.subject import Subject
    from .sbom import Sbom
    from .under_test import ContainerUnderTest, GoldenValues, ImageUnderTest, Transcoder


@contextmanager
def _honest_skips() -> Iterator[None]:
    """What can't be measured here skips with its reason."""
    from .result import Skip

    try:
        yield
    except Skip as skip:
        pytest.skip(str(skip))


@pytest.fixture(scope="session")
def media_subject(request: pytest.FixtureRequest) -> Subject:
    """The image of this test, for the fixtures below; tests ask for `media_image`."""
    subject: Subject | None = getattr(request, "param", None)
    if subject is None:
        pytest.skip("no image to test: pass --media-image REF")
    return subject


@pytest.fixture(scope="session")
def media_image(media_subject: Subject, pytestconfig: pytest.Config) -> ImageUnderTest:
    """The image under test: its configuration, layers, sizes in bytes, files, and `check(id, **settings)`."""
    from .run import session_key
    from .under_test import ImageUnderTest

    return ImageUnderTest(media_subject, pytestconfig.stash[session_key])


@pytest.fixture(scope="session")
def media_baseline(media_subject: Subject, pytestconfig: pytest.Config) -> ImageUnderTest:
    """The previous release's image, for the same platform: as `media_image`. Skips without --media-baseline."""
    from .run import session_key
    from .under_test import ImageUnderTest

    if media_subject.previous is None:
        pytest.skip("no previous release to compare with: pass --media-baseline REF")
    return ImageUnderTest(media_subject.previous, pytestconfig.stash[session_key])


@pytest.fixture(scope="session")
def media_container(media_subject: Subject) -> Iterator[ContainerUnderTest]:
    """A running container of the image: `run(argv)`, `copy_in`, `copy_out`, and `host` for testinfra."""
    from .under_test import ContainerUnderTest

    with _honest_skips():
        container = media_subject.new_container()
    yield ContainerUnderTest(container)
    container.close()


@pytest.fixture(scope="session")
def transcode(
    media_subject: Subject, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Transcoder:
    """Runs an argv list or an ffmpeg-python stream in the image, on the processor or on hardware (`path="nvenc"`); its
    output is measured outside of it."""
    from .run import session_key
    from .under_test import Transcoder

    if media_subject.static:
        pytest.skip("nothing is started under --media-static")
    return Transcoder(media_subject, pytestconfig.stash[session_key], tmp_path_factory.mktemp("transcode"))


@pytest.fixture(scope="session")
def golden(media_subject: Subject) -> GoldenValues:
    """`golden.check(result, "name")` holds a transcode against `golden/name.json` beside the policy."""
    from .under_test import GoldenValues

    return GoldenValues(media_subject)


@pytest.fixture(scope="session")
def sample_media(pytestconfig: pytest.Config) -> Callable[[str], Path]:
    """`sample_media("name")` gives the path of a bundled clip, or of a file in a registry (`oras:NAME@sha256:...`)."""
    from .run import sample_finder

    return sample_finder(pytestconfig)


@pytest.fixture(scope="session")
def media_sbom(media_subject: Subject) -> Sbom:
    """The image's SBOM with our own findings: `.bom` (cyclonedx-python-lib) and `.json` (dict)."""
    return media_subject.sbom()
