"""Which tests share a worker."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

pytest.importorskip("xdist")

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("kind", ["plain", pytest.param("engine", marks=pytest.mark.docker)])
def test_it(kind, number):
    pass
"""


def test_files_stay_whole_but_for_the_engine_s_tests(pytester, monkeypatch, tmp_path):
    monkeypatch.setenv("MEDIAIMAGE_TEST_CACHE", str(tmp_path))
    ours = Path(__file__).parent
    monkeypatch.setenv("PYTHONPATH", str(ours))
    (pytester.path / "conftest_of_all.py").write_text((ours / "conftest.py").read_text())
    pytester.makeconftest("from conftest_of_all import pytest_collection_finish, pytest_xdist_make_scheduler")
    pytester.makeini("[pytest]\nmarkers = docker")
    files = [f"test_{letter}" for letter in "abcdef"]
    pytester.makepyfile(**dict.fromkeys(files, TESTS))
    result = pytester.runpytest_subprocess("-n2", "--dist=loadfile", "-v", "-p", "no:mediaimage")
    result.assert_outcomes(passed=12 * len(files))
    workers = defaultdict(set)
    for worker, file, kind in re.findall(r"\[(gw\d)\] .* PASSED (\w+)\.py::test_it\[(\w+)", result.stdout.str()):
        workers["engine" if kind == "engine" else file].add(worker)
    assert set(workers) == {"engine", *files}
    assert {len(found) for found in workers.values()} == {1}
    assert set.union(*workers.values()) == {"gw0", "gw1"}
