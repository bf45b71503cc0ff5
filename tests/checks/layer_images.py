"""Images of a few layers, and one check on them, with or without a previous release."""

from __future__ import annotations

import io
import random
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_mediaimage.checks.context import Context
from pytest_mediaimage.checks.planning import ALL
from pytest_mediaimage.checks.registry import run_check
from pytest_mediaimage.checks.subject import Subject
from pytest_mediaimage.checks.workbench import Workbench
from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import open_image
from pytest_mediaimage.policy import Policy, load_preset
from pytest_mediaimage.result import Result

MB = 1_000_000
AMD64 = Platform("linux/amd64")

Judge = Callable[..., Result]


def noise(length: int, seed: object = 1) -> bytes:
    """Bytes that don't compress."""
    return random.Random(repr(seed)).randbytes(length)


def dated(items: Sequence[Item], mtime: int) -> bytes:
    """A tar of regular files, all of one time."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for item in items:
            assert isinstance(item.data, bytes)
            info = tarfile.TarInfo(item.path)
            info.mode, info.mtime, info.size = item.mode, mtime, len(item.data)
            archive.addfile(info, io.BytesIO(item.data))
    return out.getvalue()


def write(root: Path, layers: Sequence[BuiltLayer], *, platform: str = AMD64, **more: Any) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    writer = LayoutWriter(root)
    writer.image(layers, platform=platform, **more)
    return writer.finish()


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """`judge("size.path", layers, baseline=layers, size_paths={...})`: the result, by the preset but for that."""
    count = iter(range(1_000))

    def run(
        check: str,
        layers: Sequence[BuiltLayer],
        *,
        baseline: Sequence[BuiltLayer] | None = None,
        history: Sequence[Mapping[str, Any]] | None = None,
        **policy: Any,
    ) -> Result:
        number = next(count)
        now = Reference.parse(f"oci:{write(tmp_path / f'now{number}', layers, history=history)}")
        was = None if baseline is None else Reference.parse(f"oci:{write(tmp_path / f'was{number}', baseline)}")
        subject = Subject(_bench(tmp_path), now, AMD64, was)
        return _run(check, subject, tmp_path, policy)

    return run


@pytest.fixture
def judge_archive(tmp_path: Path) -> Judge:
    """`judge` on an image as `docker save` writes it."""

    def run(check: str, layers: Sequence[BuiltLayer], **policy: Any) -> Result:
        bench = _bench(tmp_path)
        return _run(check, Subject(bench, _saved(tmp_path, "saved", layers, bench), AMD64), tmp_path, policy)

    return run


@pytest.fixture
def judge_archives(tmp_path: Path) -> Judge:
    """`layers.reuse` on images as `docker save` writes them: `judge_archives(layers, baseline=layers)`."""

    def run(layers: Sequence[BuiltLayer], *, baseline: Sequence[BuiltLayer], **policy: Any) -> Result:
        bench = _bench(tmp_path)
        now, was = (_saved(tmp_path, name, found, bench) for name, found in (("now", layers), ("was", baseline)))
        return _run("layers.reuse", Subject(bench, now, AMD64, was), tmp_path, policy)

    return run


def _saved(folder: Path, name: str, layers: Sequence[BuiltLayer], bench: Workbench) -> Reference:
    image = open_image(Reference.parse(f"oci:{write(folder / name, layers)}"), AMD64, bench.opening)
    with (folder / f"{name}.tar").open("wb") as out:
        image.write_docker_archive(out)
    return Reference.parse(f"docker-archive:{folder / name}.tar")


def _bench(tmp_path: Path) -> Workbench:
    return Workbench(cache=tmp_path / "cache", runtime_name="auto", static=True, golden_folder=tmp_path / "golden")


def _run(check: str, subject: Subject, tmp_path: Path, changes: Mapping[str, Any]) -> Result:
    preset = load_preset("default", directory=tmp_path)
    values = {name: getattr(preset, name) for name in Policy.__dataclass_fields__}
    found = next(item for item in ALL if item.id == check)
    return run_check(found, Context(subject, Policy(**{**values, **changes})))


def messages(result: Result) -> str:
    return "\n".join(finding.message for finding in result.findings)


def copy(path: str, data: bytes, created_by: str) -> BuiltLayer:
    """A layer of one file."""
    return layer([Item(path, data)], created_by, compression="none")
