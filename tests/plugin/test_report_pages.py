"""Where there is more to read on a check is said, in a checkout and from a wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_mediaimage.report.pages import folder, page

ROOT = Path(__file__).parents[2]


def test_a_failure_names_its_page(media, write_layout):
    outcome = media(write_layout(user="nobody"), "--media-static", "-k", "config.user")
    assert f"more: {ROOT}/docs/checks/config.user.md" in outcome.text.splitlines()


def test_the_summary_says_where_the_pages_are(media, write_layout):
    lines = media(write_layout(), "--media-static", "-k", "capabilities").text.splitlines()
    assert f"more on each check: {ROOT}/docs/checks/CHECK.md" in lines


def test_without_a_finding_nothing_is_said(media, write_layout):
    assert "docs/checks" not in media(write_layout(), "-k", "config.user").text


def test_the_list_of_checks_says_where_the_pages_are(pytester):
    pytester.runpytest("--media-checks").stdout.fnmatch_lines([f"a page for each: {ROOT}/docs/checks/CHECK.md"])


def test_a_check_without_a_page_has_none():
    assert page("acme.rule") is None
    assert page("../../README") is None


@pytest.mark.parametrize("installed", [True, False], ids=["in the package", "nowhere"])
def test_an_installed_package_brings_its_own(tmp_path, installed):
    package = tmp_path / "site-packages" / "pytest_mediaimage"
    (package / "report").mkdir(parents=True)
    shutil.copy(ROOT / "pytest_mediaimage" / "report" / "pages.py", package / "report")
    if installed:
        shutil.copytree(ROOT / "docs" / "checks", package / "docs" / "checks")
    code = "import runpy; m = runpy.run_path('pages.py'); print(m['page']('reference.pinned'))"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=package / "report", capture_output=True, text=True, check=True
    ).stdout.strip()
    assert told == (str(package / "docs" / "checks" / "reference.pinned.md") if installed else "None")


def test_the_wheel_is_told_to_carry_them():
    import tomllib

    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    assert build["wheel"]["force-include"]["docs/checks"] == "pytest_mediaimage/docs/checks"
    assert "docs" in build["sdist"]["include"]
    assert folder() == ROOT / "docs" / "checks"
