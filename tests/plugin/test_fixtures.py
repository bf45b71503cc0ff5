"""A team's own test file, with each fixture, on an image in a file and on one in the engine."""

from __future__ import annotations

import pytest

OWN_TESTS = """
import ffmpeg
import pytest


def test_image(media_image):
    assert media_image.digest.startswith("sha256:")
    assert media_image.platform == "linux/amd64"
    assert media_image.config.working_dir == "/work"
    assert media_image.labels["org.opencontainers.image.licenses"]
    assert len(media_image.layers) >= 3
    assert media_image.flattened_size <= media_image.unpacked_size
    files = {entry.path: entry for entry in media_image.files}
    assert files["/etc/passwd"].type == "file" and files["/etc/passwd"].mode == 0o644
    with media_image.open("/etc/passwd") as passwd:
        content = passwd.read()
    assert content.startswith(b"root:") and len(content) == files["/etc/passwd"].size
    with pytest.raises(FileNotFoundError):
        media_image.open("/no/such/file")


def test_check(media_image):
    assert media_image.check("size.unpacked", max="2GB").measured == media_image.unpacked_size
    with pytest.raises(AssertionError, match="over the budget of 1 MB"):
        media_image.check("size.unpacked", max="1MB")
    with pytest.raises(Exception, match="there is no check 'size.packed'"):
        media_image.check("size.packed")


def test_container(media_container, tmp_path):
    result = media_container.run(["ffmpeg", "-hide_banner", "-version"])
    assert result.exit_code == 0 and result.stdout.startswith("ffmpeg version") and result.duration < 60
    assert media_container.run(["/no/such/program"]).exit_code == 127
    (tmp_path / "in").write_text("there and back")
    media_container.copy_in(tmp_path / "in", "/tmp/in")
    media_container.copy_out("/tmp/in", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "there and back"


def test_host(media_container):
    assert media_container.host.file("/etc/passwd").exists
    assert not media_container.host.file("/etc/nonsense").exists
    assert media_container.host.run("echo $((6 * 7))").stdout == "42\\n"


def test_argv(transcode):
    result = transcode(["-v", "error", "-i", "{input}", "-c:v", "libx264", "-preset", "ultrafast", "-an", "{output}"])
    assert [stream.codec for stream in result.streams] == ["h264"]
    assert result.frames == 125 and len(result.frame_hashes) == 125
    assert result.frames_per_second > 10
    assert result.psnr["y"] > 30 and 0.9 < result.ssim["y"] <= 1


def test_another_size(transcode):
    result = transcode(["-i", "{input}", "-vf", "scale=192:108", "-frames:v", "2", "-an", "{output}"])
    with pytest.raises(Exception, match="192x108 can't be compared with 384x216"):
        _ = result.psnr["y"]


def test_stream(transcode, golden, sample_media):
    stream = ffmpeg.input("{input}").output("{output}", vcodec="libx264", crf=23, acodec="aac", **{"threads:v": 2})
    result = transcode(stream, sample=sample_media("bars-384x216"))
    assert [stream.type for stream in result.streams] == ["video", "audio"]
    print("GOLDEN", golden.check(result, "web"))


def test_failing_command(transcode):
    with pytest.raises(Exception, match="exit code"):
        transcode(["-v", "error", "-i", "{input}", "-c:v", "no_such_encoder", "{output}"])


def test_sbom(media_sbom):
    names = {component.name for component in media_sbom.bom.components}
    assert "ffmpeg" in names
    assert media_sbom.json["specVersion"] == "1.6"
    assert media_sbom.validate() == []
"""


FAILING_TESTS = """
def test_size(media_image): media_image.check("size.unpacked", max="1kB")

def test_file(media_image): media_image.open("/no/such/file")

def test_transcode(transcode, golden):
    golden.check(transcode(["-i", "{input}", "-frames:v", "2", "-c:v", "libx264", "{output}"]), "web")

def test_transcode_option(transcode):
    transcode(["-i", "{input}", "-nosuchoption", "1", "{output}"])
"""


@pytest.fixture
def own_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own=OWN_TESTS)


def test_each_fixture_on_the_demo_image(media, own_tests, workers):
    updated = media("demo", "test_own.py", "--media-update-golden", "-s", *workers)
    updated.pytest.assert_outcomes(passed=9)
    assert "golden values" in updated.text and "written to" in updated.text
    again = media("demo", "test_own.py", "-k", "stream", "-s", *workers)
    again.pytest.assert_outcomes(passed=1)
    if "-n2" not in workers:
        assert "GOLDEN exact" in again.text


def test_each_fixture_on_a_debian_image_in_the_engine(media, own_tests, debian_image):
    outcome = media(f"docker:{debian_image}", "test_own.py", "--media-update-golden")
    outcome.pytest.assert_outcomes(passed=9)
    assert "runtime: docker" in outcome.text


def test_missing_golden_values_fail_and_say_what_to_do(media, own_tests):
    outcome = media("demo", "test_own.py", "-k", "stream")
    outcome.pytest.assert_outcomes(failed=1)
    assert "write them with --media-update-golden" in outcome.text


def test_a_failure_stands_right_below_the_line_of_the_test(media, pytester):
    pytester.makepyfile(test_own=FAILING_TESTS)
    outcome = media("demo", "test_own.py", "--media-static", "-k", "not transcode")
    outcome.pytest.assert_outcomes(failed=2)
    assert "under_test.py" not in outcome.text and "session.py" not in outcome.text
    outcome.pytest.stdout.fnmatch_lines(
        [
            '>*media_image.check("size.unpacked", max="1kB")',
            "*^^^",
            "E   AssertionError: * over the budget of 1 kB*",
            "test_own.py:1: AssertionError",
            "E   FileNotFoundError: /no/such/file isn't in demo",
            "test_own.py:3: FileNotFoundError",
        ]
    )
    ran = media("demo", "test_own.py", "-k", "transcode")
    ran.pytest.assert_outcomes(failed=2)
    for ours in ("under_test.py", "goldens.py", "transcoding.py", "Transcoded("):
        assert ours not in ran.text
    assert "AssertionError: there are no golden values 'web'" in ran.text
    assert "Unrecognized option 'nosuchoption'" in ran.text and "libswresample" not in ran.text
    assert "/.pytest-mediaimage/" not in ran.text and " as input.mp4: " in ran.text


def test_golden_values_are_written_and_told_in_two_lines(media, own_tests):
    outcome = media("demo", "test_own.py", "-k", "stream", "--media-update-golden")
    told = outcome.text.partition("golden values ===")[2].splitlines()[1:]
    assert told[0].startswith("web: written to ")
    assert told[1].startswith("  cpu x264 core ") and ": new: stream_hash " in told[1] and "frames 125" in told[1]
    assert not told[2].startswith(" ")


def test_a_changed_recipe_no_longer_has_golden_values(media, own_tests, pytester):
    assert media("demo", "test_own.py", "-k", "stream", "--media-update-golden").code == 0
    changed = (pytester.path / "test_own.py").read_text().replace("crf=23", "crf=30")
    (pytester.path / "test_own.py").write_text(changed)
    assert media("demo", "test_own.py", "-k", "stream").code == 1


def test_static_runs_start_nothing(media, own_tests):
    outcome = media("demo", "test_own.py", "--media-static", "-rs")
    outcome.pytest.assert_outcomes(passed=3, skipped=6)
    assert "nothing is started under --media-static" in outcome.text


def test_a_broken_environment_is_an_error_of_the_fixture(media, pytester, monkeypatch, write_layout):
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    pytester.makepyfile(test_own="def test_it(media_container):\n    pass\n")
    outcome = media(write_layout(), "test_own.py", "--media-runtime=docker")
    outcome.pytest.assert_outcomes(errors=1)
    assert outcome.code == 10
