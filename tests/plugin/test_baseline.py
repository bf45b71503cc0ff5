"""`--media-baseline` and the fixture `media_baseline`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mediaimage.image.build import BuiltLayer, Item, LayoutWriter, layer

USAGE = int(pytest.ExitCode.USAGE_ERROR)
OLD = layer([Item("app/main", b"1" * 100_000)], "COPY . /app", compression="none")
NEW = layer([Item("app/main", b"2" * 300_000)], "COPY . /app", compression="none")
BASE = layer([Item("usr/lib/libc.so", bytes(200_000))], "ADD rootfs.tar /", compression="none")

OWN_TEST = """
def test_release(media_image, media_baseline):
    assert media_baseline.reference.startswith("oci:") and media_baseline.platform == media_image.platform
    assert media_baseline.digest != media_image.digest
    assert (media_baseline.unpacked_size, media_image.unpacked_size) == (300_000, 500_000)
    assert {entry.path for entry in media_baseline.files} == {entry.path for entry in media_image.files}
    assert media_baseline.open("/app/main").read() == b"1" * 100_000
    assert media_image.check("size.growth", max="100%").measured > 0
    assert media_image.check("size.path", paths={"/app": "300kB"}).measured == 300_000
    assert media_baseline.check("layers.count", max=2).measured == 2
"""


def write(root: Path, *layers: BuiltLayer, platforms: tuple[str, ...] = ("linux/amd64",)) -> Path:
    root.mkdir()
    writer = LayoutWriter(root)
    for platform in platforms:
        writer.image(layers, platform=platform, config={"User": "1000"})
    return writer.finish()


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return write(tmp_path / "old", BASE, OLD)


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return write(tmp_path / "new", BASE, NEW)


STATIC = ("--media-static", "-k", "growth or reuse or order")


def test_the_checks_compare_with_it(media, old, new, pytester, workers):
    policy = "version: 1\nsize: {growth: 5%}\nlayers: {reuse: 90%}\n"
    (pytester.path / "mediaimage.yaml").write_text(policy)
    outcome = media(new, f"--media-baseline=oci:{old}", *STATIC, *workers)
    assert outcome.statuses() == {"size.growth": "failed", "layers.order": "passed", "layers.reuse": "failed"}
    assert f"more than the baseline oci:{old}" in outcome.text
    assert f"baseline: oci:{old}" in outcome.text
    assert outcome.code == 1


def test_without_it_what_needs_it_skips(media, new):
    outcome = media(new, *STATIC)
    assert outcome.statuses() == {"size.growth": "skipped", "layers.order": "passed", "layers.reuse": "skipped"}
    assert "--media-baseline" in outcome.result("size.growth")["reason"]
    assert outcome.code == 0


def test_the_image_itself_as_its_baseline(media, new, pytester):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nsize: {growth: 0%}\nlayers: {reuse: 100%}\n")
    outcome = media(new, f"--media-baseline=oci:{new}", *STATIC)
    assert set(outcome.statuses().values()) == {"passed"}
    assert outcome.result("size.growth")["measured"] == 0 and outcome.result("layers.reuse")["measured"] == 100


@pytest.mark.parametrize(
    ("baseline", "words"),
    [
        ("oci:/no/such/place", ["--media-baseline: image 'oci:/no/such/place' was not found", "no such file"]),
        ("UPPER/case:1", ["--media-baseline: 'UPPER/case:1' is no image reference", "lower case"]),
    ],
)
def test_a_baseline_that_is_not_there(media, new, baseline, words):
    outcome = media(new, f"--media-baseline={baseline}")
    assert outcome.code == USAGE
    for word in words:
        assert word in outcome.text
    assert "Traceback" not in outcome.text
    assert outcome.report["error"]["environment"] is False


def test_a_baseline_for_another_platform(media, new, tmp_path):
    foreign = write(tmp_path / "foreign", BASE, platforms=("linux/arm64",))
    outcome = media(new, f"--media-baseline=oci:{foreign}")
    assert outcome.code == USAGE
    assert f"--media-baseline: oci:{foreign} has no image for linux/amd64; it has: linux/arm64" in outcome.text
    assert f"oci:{new} is tested for linux/amd64" in outcome.text
    assert "Name a release that has this platform" in outcome.text


def test_each_platform_is_compared_with_its_own(media, tmp_path):
    both = ("linux/amd64", "linux/arm64")
    was = write(tmp_path / "was", BASE, OLD, platforms=both)
    now = write(tmp_path / "now", BASE, NEW, platforms=both)
    outcome = media(now, f"--media-baseline=oci:{was}", "--media-platform=all", *STATIC)
    grown = {item["platform"] for item in outcome.report["results"] if item["check"] == "size.growth"}
    assert grown == set(both) and outcome.code == 0


def test_a_registry_that_does_not_answer_is_the_environments_fault(media, new):
    outcome = media(new, "--media-baseline=registry:localhost:1/ffmpeg:7")
    assert outcome.code == 10
    assert outcome.report["error"]["environment"] is True


def test_the_fixture(media, old, new, pytester, workers):
    pytester.makepyfile(test_own=OWN_TEST)
    media(new, f"--media-baseline=oci:{old}", "test_own.py", *workers).pytest.assert_outcomes(passed=1)


def test_the_fixture_skips_without_a_baseline_and_without_an_image(media, new, pytester):
    pytester.makepyfile(test_own="def test_it(media_baseline):\n    pass\n")
    outcome = media(new, "test_own.py", "-rs")
    outcome.pytest.assert_outcomes(skipped=1)
    assert "pass --media-baseline REF" in outcome.text
    bare = pytester.runpytest("test_own.py", "-rs")
    bare.assert_outcomes(skipped=1)


@pytest.mark.parametrize(
    ("policy", "line", "words"),
    [
        ("size: {unpacked: 100MB, layer: 200MB}\n", 1, "size.layer allows 200000000 bytes, more than the 100000000"),
        ("size:\n  unpacked: 1MB\n  paths:\n    /app: 1kB\n    /usr: 2MB\n", 5, "size.paths: '/usr' allows 2000000"),
        ("size:\n  paths:\n    app: 1MB\n", 3, "'app' is no absolute path or glob; write /app"),
        ("size:\n  paths:\n    /a: 1MB\n    /a/../b: 1MB\n", 4, "'/a/../b' is no absolute path or glob"),
        ("size:\n  paths:\n    /a: 1MB\n    '/usr/[ab': 1MB\n", 4, "'/usr/[ab' is no glob: a bracket stands alone"),
        ("size:\n  paths:\n    /a: much\n", 3, "'much' is no size; write 150MB"),
        ("size: {paths: [/app]}\n", 1, "is no mapping"),
        ("size: {growth: 5}\n", 1, "size.growth: 5 is no percentage; write 5%"),
        ("size: {files: many}\n", 1, "size.files: 'many' is no count"),
        ("layers: {reuse: 120%}\n", 1, "layers.reuse: '120%' is no percentage"),
    ],
)
def test_budgets_that_cannot_be_meant(media, new, pytester, policy, line, words):
    (pytester.path / "mediaimage.yaml").write_text(policy)
    outcome = media(new)
    assert outcome.code == USAGE
    assert f"mediaimage.yaml:{line}: " in outcome.text and words in outcome.text


def test_a_part_as_large_as_the_whole_is_fine(media, new, pytester):
    (pytester.path / "mediaimage.yaml").write_text("size: {unpacked: 1MB, layer: 1MB, paths: {/: 1MB}}\n")
    assert media(new, "--media-static", "-k", "size").code == 0
