"""`license.patents` on real builds: what is told by default, and what a policy may demand."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from binary_images import glibc, program, tool
from layer_images import write

from pytest_mediaimage.checks.context import Context
from pytest_mediaimage.checks.planning import ALL
from pytest_mediaimage.checks.registry import run_check
from pytest_mediaimage.checks.subject import Subject
from pytest_mediaimage.checks.workbench import Workbench
from pytest_mediaimage.image.build import BuiltLayer, Item, layer
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources.demo import find_ffmpeg
from pytest_mediaimage.policy import parse_policy
from pytest_mediaimage.result import Finding, Result, Severity, Status

Judge = Callable[..., Result]
CHECK = next(check for check in ALL if check.id == "license.patents")
TODAY = datetime.date.today()
LATER, BEFORE = TODAY + datetime.timedelta(days=90), TODAY - datetime.timedelta(days=1)


def judge_of(folder: Path, layers: list[BuiltLayer]) -> Judge:
    root = write(folder / "image", layers, config={"Entrypoint": ["/usr/bin/ffmpeg"]})
    bench = Workbench(cache=folder / "cache", runtime_name="auto", static=True, golden_folder=folder / "golden")
    subject = Subject(bench, Reference.parse(f"oci:{root}"), Platform("linux/amd64"))

    def judge(patents: str = "", severity: str = "") -> Result:
        text = "version: 1\n" + (f"patents: {patents}\n" if patents else "") + severity
        return run_check(CHECK, Context(subject, parse_policy(text, folder / "mediaimage.yaml")))

    return judge


@pytest.fixture(scope="module")
def static(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """The demo's static FFmpeg: software only."""
    items = [Item("usr/bin/ffmpeg", find_ffmpeg(), mode=0o755)]
    return judge_of(tmp_path_factory.mktemp("static"), [layer(items, "COPY ffmpeg /usr/bin/")])


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """imageio-ffmpeg's: with codecs of NVIDIA's, Intel's and AMD's hardware."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    items = [Item("usr/bin/ffmpeg", Path(imageio_ffmpeg.get_ffmpeg_exe()), mode=0o755)]
    return judge_of(tmp_path_factory.mktemp("full"), [layer(items, "COPY ffmpeg /usr/bin/")])


def of(result: Result, codec: str) -> Finding:
    (finding,) = [one for one in result.findings if re.match(rf"{re.escape(codec)}\b", one.evidence)]
    return finding


def test_by_default_each_codec_is_a_note_that_says_who_asks_what_since_when_and_where_that_is_said(
    static: Judge,
) -> None:
    result = static()
    assert result.status is Status.PASSED
    assert {finding.severity for finding in result.findings} == {Severity.NOTE}
    finding = of(result, "h264")
    assert (finding.file, finding.created_by) == ("/usr/bin/ffmpeg", "COPY ffmpeg /usr/bin/")
    assert finding.message.startswith("/usr/bin/ffmpeg: H.264 / AVC is in the image (encoders libx264, libx264rgb; ")
    assert finding.message.splitlines()[0].endswith("): exposure required (asked for by Via LA, as of 2026-11-24)"), (
        "what a terminal shows of a note"
    )
    assert "encode, decode: Via LA's AVC/H.264 programme (begun by MPEG LA) asks the seller" in finding.message
    assert "streaming: Via LA's AVC/H.264 programme asks video services" in finding.message
    assert "(as of 2026-11-24, high confidence, https://tvtechnology.com/news/avc-standard-license-fees-set)" in (
        finding.message
    )
    assert finding.fix == "", "facts, and no advice"


def test_one_finding_tells_of_one_codec_those_that_are_asked_for_first(static: Judge) -> None:
    result = static()
    codecs = [finding.evidence for finding in result.findings]
    assert len(codecs) == len(set(codecs)) > 10
    heads = [finding.message.splitlines()[0] for finding in result.findings]
    exposures = [re.findall(r"\): exposure ([a-z-]+)", head)[-1] for head in heads]
    order = ["required", "disputed", "unclear", "claimed-free", "expired"]
    assert exposures == sorted(exposures, key=order.index)
    assert isinstance(result.measured, str)
    assert re.match(rf"{len(codecs)} codecs, \d+ required, \d+ disputed", result.measured)
    assert "built in, 2026-11-24" in result.measured


def test_only_what_the_build_contains_is_told(static: Judge) -> None:
    codecs = {finding.evidence for finding in static().findings}
    assert "avs2" not in codecs and "avs3" not in codecs, "this build decodes AVS and nothing newer"


def test_what_is_only_decoded_is_told_apart(static: Judge) -> None:
    message = of(static(), "vc1").message
    assert "decoders vc1, vc1image, wmv3, wmv3image" in message and "encoder" not in message
    assert "\n  decode: " in message and "streaming" not in message


def test_work_of_a_device_is_told_apart(full: Judge) -> None:
    message = of(full(), "h264").message
    devices = message.partition("done by a device or its driver: ")[2].partition(")")[0]
    assert "h264_nvenc" in devices and "h264_vaapi" in devices and "h264_cuvid" in devices
    assert "libx264" not in devices and "libx264" in message
    assert "av1_nvenc" in of(full(), "av1").message


@pytest.mark.parametrize(
    ("patents", "covered"),
    [
        ("{require: [required]}", False),
        ("{require: [disputed]}", True),  # H.264 is asked for, and nobody grants
        ("{require: [required], on: [decode]}", False),
        (f"{{require: [required], agreements: [{{codecs: [h264], id: VIA-1, until: {LATER}}}]}}", True),
        ("{require: [required], agreements: [{codecs: [h264], id: VIA-1}]}", True),
        (f"{{require: [required], agreements: [{{codecs: [h264], id: VIA-1, until: {TODAY}}}]}}", True),
        (f"{{require: [required], agreements: [{{codecs: [h264], id: VIA-1, until: {BEFORE}}}]}}", False),
        ("{require: [required], agreements: [{codecs: [hevc], id: AA-1}]}", False),
        ("{require: [required], agreements: [{codecs: [h264], id: VIA-1, scope: [decode]}]}", False),
        ("{require: [required], on: [decode], agreements: [{codecs: [h264], id: VIA-1, scope: [decode]}]}", True),
        ("{require: [required], on: [streaming], agreements: [{codecs: [h264], id: V, scope: [encode]}]}", False),
        (f"{{require: [required], accepted: [{{codecs: [h264], reason: decided, until: {LATER}}}]}}", True),
        (f"{{require: [required], accepted: [{{codecs: [h264], reason: decided, until: {BEFORE}}}]}}", False),
    ],
)
def test_a_policy_may_ask_for_an_agreement_or_an_accepted_reason(static: Judge, patents: str, covered: bool) -> None:
    finding = of(static(patents), "h264")
    assert finding.severity is (Severity.NOTE if covered else Severity.ERROR)
    assert ("names none that stands" in finding.message) is not covered


def test_what_misses_is_told_with_its_uses_and_what_has_ended(static: Judge) -> None:
    finding = of(
        static(
            "{require: [required, disputed], agreements: [{codecs: [h264], licensor: Via LA, id: VIA-1, "
            f"until: {BEFORE}}}], accepted: [{{codecs: [h264], reason: reviewed, by: legal@example.com, "
            f"until: {LATER}, scope: [decode]}}]}}"
        ),
        "h264",
    )
    assert "an accepted reason for encode (required), and names none that stands" in finding.message
    assert f"ended: agreement VIA-1 with Via LA until {BEFORE}" in finding.message
    assert f"named in the policy: accepted by legal@example.com until {LATER}: reviewed" in finding.message
    assert finding.evidence == "h264: encode without a cover"
    assert "libx264, libx264rgb" in finding.fix and "patents.agreements" in finding.fix


def test_a_preset_that_says_note_doesnt_soften_what_a_policy_itself_asks_for(static: Judge) -> None:
    asked = "{require: [required]}"
    assert static(asked).status is Status.FAILED
    assert static(asked, "severity: {license.patents: note}\n").status is Status.PASSED
    assert static("{agreements: [{codecs: [h264], id: VIA-1}]}").status is Status.PASSED


def test_codecs_that_only_a_device_has_are_asked_for_where_the_policy_says_so(tmp_path: Path) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    data = Path(imageio_ffmpeg.get_ffmpeg_exe()).read_bytes()
    for name in (b"libx265", b"libkvazaar"):  # of the same length, so that the tables stay whole
        data = data.replace(b"\0" + name + b"\0", b"\0x" + name[1:] + b"\0")
    judge = judge_of(tmp_path, [layer([Item("usr/bin/ffmpeg", data, mode=0o755)], "COPY ffmpeg /usr/bin/")])
    asked = "{{require: [required], on: [{}]}}"
    assert of(judge(asked.format("encode")), "hevc").severity is Severity.NOTE
    assert of(judge(asked.format("encode, device")), "hevc").severity is Severity.ERROR
    assert of(judge(asked.format("streaming")), "hevc").severity is Severity.ERROR, "whoever encodes, it is streamed"


def test_a_file_extends_and_replaces_the_data(static: Judge, tmp_path_factory: pytest.TempPathFactory) -> None:
    statement = (
        "{by: Us, kind: grants, scope: [encode, decode, streaming], says: our counsel says so, "
        "source: 'https://wiki.example.com/patents', confidence: high}"
    )
    folder = tmp_path_factory.mktemp("data")
    file = folder / "mine.yaml"
    rows = f"codecs:\n  h264: {{name: AVC, statements: [{statement}]}}\n"
    rows += f"  gif: {{name: GIF, names: [gif], statements: [{statement}]}}\n"
    file.write_text(f"version: 1\nas-of: 2027-02-01\n{rows}")
    result = static(f"{{data: '{file}', require: [required], on: [encode]}}")
    assert of(result, "h264").severity is Severity.NOTE
    assert "our counsel says so (as of 2027-02-01, high confidence, https://wiki.example.com/patents)" in (
        of(result, "h264").message
    )
    assert "encoder gif; decoder gif" in of(result, "gif").message
    assert of(result, "hevc").severity is Severity.ERROR, "our rows stay"
    assert isinstance(result.measured, str) and "mine.yaml, 2027-02-01" in result.measured
    file.write_text(f"version: 1\nas-of: 2027-02-01\nextends: nothing\n{rows}")
    assert {finding.evidence for finding in static(f"{{data: '{file}'}}").findings} == {"h264", "gif"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "version: 1\nas-of: 2027-01-01\ncodecs:\n  x:\n    name: X\n    statements:\n      - {by: a}\n",
            "mine.yaml:7: ",
        ),
        ("version: 2\nas-of: 2027-01-01\ncodecs: {}\n", "mine.yaml:1: version: 2 isn't known"),
        ("version: 1\ncodecs: {}\n", "mine.yaml:1: patent data needs 'as-of'"),
        ("version: 1\nas-of: then\ncodecs: {}\n", "mine.yaml:2: as-of: as-of is no date"),
        ("version: 1\nas-of: 2027-01-01\ncodec: {}\n", "mine.yaml:3: unknown key 'codec'; did you mean 'codecs'"),
        ("version: 1\nas-of: 2027-01-01\nextends: all\ncodecs: {}\n", "mine.yaml:3: extends: 'all' is none of"),
        ("version: 1\nas-of: 2027-01-01\ncodecs:\n  x: {name: X}\n", "mine.yaml:4: codecs.x: a codec needs statements"),
        ("version: 1\nas-of: 2027-01-01\ncodecs: [1]\n", "mine.yaml:3: codecs must be a mapping"),
        ("[", "mine.yaml:1: no valid YAML"),
        ("", "the patent data is empty"),
        ("x: " + "y" * 1_000_001, "larger than 1000000 bytes"),
        (None, "the patent data can't be read: No such file"),
    ],
)
def test_a_file_that_isnt_right_is_told_with_its_line(
    static: Judge, tmp_path: Path, text: str | None, words: str
) -> None:
    if text is not None:
        (tmp_path / "mine.yaml").write_text(text)
    result = static(f"{{data: '{tmp_path}/mine.yaml'}}")
    assert result.status is Status.ERROR and not result.environment
    assert words in result.reason


@pytest.mark.parametrize(
    "key",
    ["agreements: [{codecs: [h265], id: A}]", f"accepted: [{{codecs: [h265], reason: r, until: {LATER}}}]"],
)
def test_a_codec_that_nobody_knows_is_told_since_it_would_cover_nothing(static: Judge, key: str) -> None:
    result = static(f"{{{key}}}")
    assert result.status is Status.ERROR
    assert re.search(r"patents\.(agreements|accepted): the patent data \(built in\) has no codec 'h265'", result.reason)


def test_tables_that_cant_be_read_are_told_and_are_no_empty_list(tmp_path: Path) -> None:
    """It says that it is an FFmpeg with libavcodec, and holds no table."""
    items = [*glibc(), Item("usr/bin/ffmpeg", tool(program(b"libc.so.6")), mode=0o755)]
    judge = judge_of(tmp_path, [layer(items, "COPY . /")])
    (finding,) = judge().findings
    assert (finding.severity, finding.file) == (Severity.NOTE, "/usr/bin/ffmpeg")
    assert "which encoders or decoders it holds can't be read" in finding.message
    (finding,) = judge("{require: [required]}").findings
    assert finding.severity is Severity.WARNING
    assert "codecs of 1 files unknown" in str(judge().measured)


def test_an_image_without_ffmpeg_is_skipped(tmp_path: Path) -> None:
    result = judge_of(tmp_path, [layer([Item("etc/passwd", b"")], "COPY . /")])()
    assert (result.status, result.reason) == (Status.SKIPPED, "the image holds no FFmpeg codecs that can be read")


def test_a_build_that_a_later_layer_deletes_is_shipped_and_told(tmp_path: Path) -> None:
    items: list[Any] = [Item("usr/bin/ffmpeg", find_ffmpeg(), mode=0o755)]
    judge = judge_of(tmp_path, [layer(items, "COPY ffmpeg /"), layer([Item("usr/bin/.wh.ffmpeg")], "RUN rm ffmpeg")])
    assert "replaced or deleted by a later layer, but shipped" in of(judge(), "h264").message
