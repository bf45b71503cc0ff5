"""--media-init: a first policy from the image at hand, which the same image passes."""

from __future__ import annotations

import pytest
from support.runs import PLAIN, XDIST

from pytest_mediaimage.checks.planning import known_ids
from pytest_mediaimage.image.build import Item, LayoutWriter, layer
from pytest_mediaimage.policy import load_policy

INIT = "--media-init"


def init(pytester: pytest.Pytester, media_cache, image, *args: str) -> pytest.RunResult:
    return pytester.runpytest(f"--media-image={image}", f"--media-cache={media_cache}", INIT, *args)


def test_the_demo_image_passes_what_was_written_from_it(media, pytester, media_cache):
    result = init(pytester, media_cache, "demo")
    assert result.ret == 0
    path = pytester.path / "mediaimage.yaml"
    result.stdout.fnmatch_lines([f"{path} written; `pytest --media-image demo` holds the image to it"])
    assert "1 passed" not in result.stdout.str()  # it stops

    policy = load_policy(path, known_checks=known_ids())
    assert policy.image_platforms == ("linux/amd64",) and policy.image_compression == "zstd"
    assert {"libx264", "libx265", "aac"} <= set(policy.ffmpeg_encoders) and "h264_nvenc" not in policy.ffmpeg_encoders
    assert {"https"} <= set(policy.ffmpeg_protocols)

    text = path.read_text()
    listed = {line.partition(":")[0].strip("# ") for line in text.partition("# Fails today")[2].splitlines()[2:]}
    for workers in PLAIN, XDIST:
        outcome = media("demo", "-k", "not transcode", *workers)  # all of them were run for the policy
        failed = {check for check, status in outcome.statuses().items() if status in ("failed", "error")}
        assert failed == listed
        assert outcome.report["policy"]["source"] == "mediaimage.yaml"
        for check in ("size.compressed", "size.unpacked", "size.layer", "layers.count"):
            result = outcome.result(check)
            assert result["status"] == "passed" and 1 < result["budget"] / result["measured"] < 1.4, check


def test_what_fails_today_is_listed_and_can_be_tolerated(media, write_layout, pytester, media_cache, workers):
    film = Item("app/intro", b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(3_000_000))
    image = write_layout([layer([film], "COPY intro /app/")], user="nobody")
    result = init(pytester, media_cache, f"oci:{image}", "--media-static", *workers)
    assert result.ret == 0
    text = (pytester.path / "mediaimage.yaml").read_text()
    listed = text.partition("# Fails today")[2]
    assert "contents.media: /app/intro is an MP4 file" in listed and "config.user: " in listed
    result.stdout.fnmatch_lines(["*fail* today*--media-update-known*", "  contents.media: /app/intro is*"])
    assert "# ffmpeg: {encoders: [libx264, aac]" in text  # nothing to ask

    first = media(image, "--media-static", *workers)
    failed = {check for check, status in first.statuses().items() if status == "failed"}
    assert failed == {line.partition(":")[0].strip("# ") for line in listed.splitlines()[2:] if line.startswith("#   ")}
    assert media(image, "--media-static", "--media-update-known", *workers).code == 0
    assert media(image, "--media-static", *workers).code == 0


def test_an_existing_policy_is_left_alone(write_layout, pytester, media_cache):
    path = pytester.path / "mediaimage.yaml"
    path.write_text("version: 1  # mine\n")
    result = init(pytester, media_cache, f"oci:{write_layout()}", "--media-static")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{path} exists, and --media-init overwrites nothing. Remove it, or name another*"])
    assert path.read_text() == "version: 1  # mine\n"

    other = pytester.path / "policies" / "small.yaml"
    result = init(pytester, media_cache, f"oci:{write_layout()}", "--media-static", f"--media-policy={other}")
    assert result.ret == 0 and other.is_file()


def test_several_images_and_platforms(pytester, media_cache, tmp_path):
    writer = LayoutWriter(tmp_path)
    small, large = [layer([Item("a", bytes(1000))])], [layer([Item("a", bytes(70_000))]), layer([Item("b", b"1")])]
    writer.index(
        [
            writer.image(small, platform="linux/amd64", config={"User": "1"}, listed=False),
            writer.image(large, platform="linux/arm64", config={"User": "1"}, listed=False),
        ]
    )
    writer.finish()
    result = init(pytester, media_cache, f"oci:{tmp_path}", "--media-static", "--media-platform=all")
    assert result.ret == 0
    policy = load_policy(pytester.path / "mediaimage.yaml", known_checks=known_ids())
    assert policy.image_platforms == ("linux/amd64", "linux/arm64")
    assert (policy.size_unpacked, policy.size_layer, policy.layers_count) == (73_600, 73_500, 3)


def test_without_an_image(pytester):
    result = pytester.runpytest(INIT)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--media-init writes a policy from an image. Pass --media-image REF.*"])


def test_an_image_that_cannot_be_opened(pytester, media_cache, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    assert init(pytester, media_cache, "oci:/no/such/place").ret == pytest.ExitCode.USAGE_ERROR
    assert init(pytester, media_cache, "docker:ffmpeg:7").ret == 10
    assert not (pytester.path / "mediaimage.yaml").exists()


def test_a_place_that_cannot_be_written(write_layout, pytester, media_cache):
    result = init(pytester, media_cache, f"oci:{write_layout()}", "--media-static", "--media-policy=/dev/null/x.yaml")
    assert result.ret == 10
    assert "Traceback" not in result.stderr.str() + result.stdout.str()


def test_it_says_at_once_what_it_does_and_how_long_it_takes(pytester, media_cache, write_layout):
    image = f"oci:{write_layout()}"
    lines = init(pytester, media_cache, image, "--media-static").stdout.lines
    assert lines[:2] == [
        f"media image: {image}: measured, then checked once, to say what fails today.",
        "It takes as long as a run.",
    ]
    (pytester.path / "mediaimage.yaml").unlink()
    assert "checked once" not in init(pytester, media_cache, image, "--media-static", "-q").stdout.str()
