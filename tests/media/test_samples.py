from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from pytest_mediaimage.errors import EnvironmentFault, UsageError
from pytest_mediaimage.media import samples


@pytest.mark.parametrize("name", ["bars-384x216", "bars-384x216.mp4"])
def test_found_by_stem_and_by_file_name(name: str) -> None:
    path = samples.sample(name)
    assert path.name == "bars-384x216.mp4"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == samples.sample_sha256(name)
    assert path.stat().st_size < 1_000_000


@pytest.mark.parametrize("name", ["nothing", "", "../bars-384x216", "SHA256SUMS"])
def test_unknown_names_list_the_known(name: str) -> None:
    with pytest.raises(UsageError, match=r"Known samples: bars-384x216\.mp4"):
        samples.sample(name)


def test_a_changed_clip_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "sample_media"
    shutil.copytree(samples.directory(), folder)
    assert samples.sample("bars-384x216", folder=folder).parent == folder
    with (folder / "bars-384x216.mp4").open("ab") as clip:
        clip.write(b"!")
    with pytest.raises(samples.SampleDamaged, match="Reinstall") as caught:
        samples.sample("bars-384x216", folder=folder)
    assert isinstance(caught.value, EnvironmentFault)
    (folder / "bars-384x216.mp4").unlink()
    with pytest.raises(samples.SampleDamaged, match="can't be read"):
        samples.sample("bars-384x216", folder=folder)


@pytest.mark.parametrize("text", [b"one-word\n", b"\xff\xfe\n"])
def test_unreadable_checksums(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "SHA256SUMS").write_bytes(text)
    with pytest.raises(samples.SampleDamaged, match="SHA256SUMS"):
        samples.sample("bars-384x216", folder=tmp_path)
