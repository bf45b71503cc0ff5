"""A pytest run that tests no image pays for none of the plugin's parts: what is imported is listed, not timed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_mediaimage.image.build import Item, LayoutWriter, layer

HEAVY = ("av", "cyclonedx", "docker", "ffmpeg", "isal", "numpy", "testinfra.host", "yaml", "zstandard")
DOOR = {f"pytest_mediaimage{name}" for name in ("", ".plugin", ".fixtures")}
"""The modules of ours that an idle run may load; their hook specifications come on top, see below."""

LISTING = """\
import json, sys
def pytest_unconfigure():
    with open("modules.json", "w") as out:
        json.dump(sorted(sys.modules), out)
"""


def modules_after(folder: Path, *args: str) -> set[str]:
    """The modules that a pytest in `folder` has loaded when it ends; it must end well."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "conftest.py").write_text(LISTING)
    (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return set(json.loads((folder / "modules.json").read_text()))


def heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if name in HEAVY or name.startswith(tuple(f"{part}." for part in HEAVY))}


@pytest.mark.parametrize("args", [(), ("--collect-only",)], ids=["run", "collect-only"])
def test_an_idle_run_loads_nothing_heavy(tmp_path: Path, args: tuple[str, ...]) -> None:
    modules = modules_after(tmp_path, *args)
    assert "pytest_mediaimage.plugin" in modules, "the plugin is not installed in this environment"
    without = modules_after(tmp_path, "-p", "no:mediaimage", *args)
    assert heavy(modules - without) == set()
    ours = {name for name in modules if name.partition(".")[0] == "pytest_mediaimage"}
    assert ours == DOOR | {"pytest_mediaimage.hookspecs"}


def test_a_run_that_tests_an_image_would_be_seen(tmp_path: Path, media_cache: Path) -> None:
    """The listing can tell the difference: with an image, policy and engine are loaded."""
    modules = modules_after(
        tmp_path, "--media-image", "demo", "--media-static", "--collect-only", f"--media-cache={media_cache}"
    )
    assert {"yaml", "zstandard"} <= heavy(modules)
    assert {"pytest_mediaimage.session", "pytest_mediaimage.image.image"} <= modules


def test_a_static_run_loads_no_media_library(tmp_path: Path, media_cache: Path) -> None:
    writer = LayoutWriter(tmp_path / "image")
    writer.image([layer([Item("a", b"1")])], config={"User": "1"})
    args = ("--media-image", f"oci:{writer.finish()}", "--media-static", f"--media-cache={media_cache}")
    modules = modules_after(tmp_path, *args, "-k", "not sbom")
    assert "pytest_mediaimage.checks" in modules
    assert {name for name in heavy(modules) if name.partition(".")[0] in ("av", "numpy", "ffmpeg", "docker")} == set()
