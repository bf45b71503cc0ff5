"""Small images, and pytest runs on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av  # noqa: F401  pytester forgets what a run imports, and numpy can't be imported twice in a process
import cyclonedx.model.bom  # noqa: F401
import docker  # noqa: F401
import ffmpeg  # noqa: F401
import numpy  # noqa: F401
import pytest
import testinfra.host  # noqa: F401
import yaml  # noqa: F401

import pytest_mediaimage.run
import pytest_mediaimage.under_test  # noqa: F401
from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer

Write = Callable[..., Path]

NO_HYPOTHESIS = ["-p", "no:hypothesispytest"]
"""Importing it would be a quarter of what a worker of a small run does."""
PLAIN = ["-p", "no:xdist"]
XDIST = ["-n2", *NO_HYPOTHESIS]


@pytest.fixture
def write_layout(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Writes a layout with one small image that passes every static check; keywords change it."""

    def write(layers: Sequence[BuiltLayer] | None = None, *, user: str = "1000", **config: Any) -> Path:
        root = tmp_path_factory.mktemp("layout")
        writer = LayoutWriter(root)
        writer.image(
            layers or [layer([Item("etc/passwd", b"app:x:1000:1000::/:/bin/sh\n")], "COPY etc /etc")],
            config={"User": user, **config},
        )
        return writer.finish()

    return write


class Outcome:
    """A finished pytest run: pytester's result, and the JSON report by check."""

    def __init__(self, result: pytest.RunResult, report: Path) -> None:
        self.pytest = result
        self.code = int(result.ret)
        self.text = result.stdout.str() + result.stderr.str()
        self.report: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}

    def result(self, check: str) -> dict[str, Any]:
        return next(item for item in self.report["results"] if item["check"] == check)

    def statuses(self) -> dict[str, str]:
        return {item["check"]: item["status"] for item in self.report["results"]}

    def messages(self, check: str) -> list[str]:
        return [finding["message"] for finding in self.result(check)["findings"]]


@pytest.fixture
def media(pytester: pytest.Pytester, media_cache: Path) -> Callable[..., Outcome]:
    """Runs `pytest --media-image IMAGE ARGS` with a JSON report."""

    def run(image: Path | str, *args: str, subprocess: bool = False) -> Outcome:
        report = pytester.path / "report.json"
        report.unlink(missing_ok=True)
        name = f"oci:{image}" if isinstance(image, Path) else image
        start = pytester.runpytest_inprocess
        if subprocess:
            start, args = pytester.runpytest_subprocess, (*NO_HYPOTHESIS, *args)
        words = (f"--media-image={name}", f"--media-cache={media_cache}", f"--media-report=json:{report}", *args)
        return Outcome(start(*words), report)

    return run


@pytest.fixture(params=["plain", "xdist"])
def workers(request: pytest.FixtureRequest) -> list[str]:
    """The same behaviour is asked for with and without pytest-xdist."""
    return XDIST if request.param == "xdist" else PLAIN
