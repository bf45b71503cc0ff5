"""What the tests of the image engine share."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus_words import Case
from layer_corpus import CASES


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    """Each image of the corpus."""
    assert isinstance(request.param, Case)
    return request.param


@pytest.fixture
def strangers_folder() -> Iterator[Path]:
    """A directory that any user can reach and write, outside of pytest's private ones."""
    folder = Path("/var/tmp") / f"pytest-mediaimage-image-{os.getpid()}"
    folder.mkdir()
    folder.chmod(stat.S_ISVTX | 0o777)
    yield folder
    shutil.rmtree(folder)
