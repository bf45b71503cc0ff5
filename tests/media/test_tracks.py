"""Tracks, subtitles, chapters and captions: the right outputs pass, and each fault is made for real and named."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import av
import pytest
from case_runs import problems, run

from pytest_mediaimage.errors import JudgeError
from pytest_mediaimage.media import samples
from pytest_mediaimage.media.captions import captions_of
from pytest_mediaimage.media.cases import CASES
from pytest_mediaimage.media.clips import captioned
from pytest_mediaimage.media.clips import tracks as sample
from pytest_mediaimage.media.made import Made
from pytest_mediaimage.media.recipe import Recipe
from pytest_mediaimage.media.rules.subtitles import Burnt
from pytest_mediaimage.media.tracks import Chapter, Cue, contents_of

TRACKS, CAPTIONS, BURNT = CASES["multi-track"], CASES["captions"], CASES["subtitle-burn-in"]


@pytest.mark.parametrize("name", ["multi-track", "captions", "subtitle-burn-in"])
def test_good_outputs_pass(name: str, any_ffmpeg: str, tmp_path: Path) -> None:
    assert problems(CASES[name], run(CASES[name], any_ffmpeg, tmp_path)) == ""


def test_what_the_samples_hold() -> None:
    contents = contents_of(samples.sample(TRACKS.sample))
    assert [(track.language, track.layout) for track in contents.of("audio")] == [
        ("eng", "5.1"),
        ("deu", "stereo"),
        ("fra", "mono"),
    ]
    assert "comment" in contents.of("audio")[2].dispositions
    english, german = contents.of("subtitle")
    assert english.cues == (Cue(0.4, 1.4, "One small step"), Cue(1.8, 3.2, "and then another"))
    assert (german.language, german.cues[0].text) == ("deu", "Ausgang – bitte läuten")
    assert "forced" in german.dispositions
    assert contents.chapters == tuple(Chapter(a / 1000, b / 1000, title) for a, b, title in sample.CHAPTERS)
    frames = captions_of(samples.sample(CAPTIONS.sample))
    assert [frame.data for frame in frames] == [captioned.triplets_of(number) for number in range(captioned.FRAMES)]
    text = b"".join(bytes(byte & 0x7F for byte in pair) for pair in captioned.pairs())
    assert b"CAPTIONS ARE PART OF THE PICTURE" in text


FAULTS = {
    "lost audio track": (["-map", "-0:a:1"], "the output has 2 audio tracks (eng, fra), the source 3 (eng, deu, fra)"),
    "lost subtitles": (["-map", "-0:s"], "the output has 0 subtitle tracks (none), the source 2 (eng, deu)"),
    "one lost subtitle": (["-map", "-0:s:0"], "the output has 1 subtitle tracks (deu), the source 2 (eng, deu)"),
    "lost languages": (["-map_metadata", "-1"], "audio track 0 says it is und, eng was expected"),
    "other language": (["-metadata:s:s:1", "language=spa"], "subtitle track 1 says it is spa, deu was expected"),
    "lost disposition": (["-disposition:a:2", "0"], "audio track 2 is not comment, unlike the source's"),
    "other default": (
        ["-disposition:a:0", "0", "-disposition:a:1", "default"],
        "audio track 1 is default, unlike the source's",
    ),
    "forced lost": (["-disposition:s:1", "0"], "subtitle track 1 is not forced"),
    "downmix": (["-ac:a:0", "2"], "audio track 0 is stereo, 5.1 was expected"),
    "chapters lost": (
        ["-map_chapters", "-1"],
        "the output has 0 chapters, the source 3; missing: 'Opening', 'Überfahrt', 'End'",
    ),
    "cut short": (["-t", "2.4"], "the output has 2 chapters, the source 3; missing: 'End'"),
    "cut short, lines": (["-t", "1.6"], "subtitle track 0 has 1 lines, 2 were expected"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_track_faults_are_named(fault: str, system_ffmpeg: str, tmp_path: Path) -> None:
    options, message = FAULTS[fault]
    assert message in problems(TRACKS, run(TRACKS, system_ffmpeg, tmp_path, "-preset", "ultrafast", *options))


def test_tracks_in_another_order(system_ffmpeg: str, tmp_path: Path) -> None:
    words = list(TRACKS.recipe.argv)
    at = words.index("0:a")
    words[at : at + 1] = ["0:a:1", "-map", "0:a:0", "-map", "0:a:2"]
    found = problems(TRACKS, run(replace(TRACKS, recipe=Recipe(tuple(words))), system_ffmpeg, tmp_path))
    assert "audio track 0 says it is deu, eng was expected" in found
    assert "audio track 0 has 2 channels at 48000 Hz, the source 6" in found


def test_without_map_only_one_of_each_is_taken(system_ffmpeg: str, tmp_path: Path) -> None:
    words = [word for word in TRACKS.recipe.argv if word not in ("-map", "0:v:0", "0:a", "0:s")]
    found = problems(TRACKS, run(replace(TRACKS, recipe=Recipe(tuple(words))), system_ffmpeg, tmp_path))
    assert "the output has 1 audio tracks (eng), the source 3 (eng, deu, fra)" in found
    assert "the output has 1 subtitle tracks (eng), the source 2" in found


@pytest.mark.parametrize(
    ("chapters", "message"),
    [
        (sample.CHAPTERS[:1] + sample.CHAPTERS[2:], "the output has 2 chapters, the source 3; missing: 'Überfahrt'"),
        (
            ((0, 1000, "Opening"), (1000, 2560, "Überfahrt"), (2560, 3840, "End")),
            "chapter 'Opening' is from 0.00 to 1.00 s, 'Opening' from 0.00 to 1.28 s was expected",
        ),
    ],
)
def test_chapters(chapters: tuple[tuple[int, int, str], ...], message: str, tmp_path: Path, system_ffmpeg: str) -> None:
    source, texts, output = samples.sample(TRACKS.sample), tmp_path / "chapters.txt", tmp_path / "output.mp4"
    lines = [";FFMETADATA1"]
    for start, end, title in chapters:
        lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start}", f"END={end}", f"title={title}"]
    texts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    argv = [system_ffmpeg, "-v", "error", "-i", source, "-i", texts, "-map", "0:v", "-map", "0:a", "-map", "0:s"]
    subprocess.run([*argv, "-map_chapters", "1", "-c", "copy", output], check=True, timeout=60)
    assert problems(TRACKS, Made.of(source, output)) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-itsoffset", "0.3"], "subtitle track 0, line 0 is shown from 0.70 to 1.70 s, 0.40 to 1.40 s was expected"),
        (["-sub_charenc", "CP1252"], "subtitle track 1, line 0: 'Ausgang â€“ bitte lÃ¤uten'"),
    ],
)
def test_subtitles(options: list[str], message: str, tmp_path: Path, system_ffmpeg: str) -> None:
    source, output = samples.sample(TRACKS.sample), tmp_path / "output.mp4"
    argv = [system_ffmpeg, "-v", "error", "-i", source]
    inputs: list[str | Path] = []
    for number in range(2):
        text = tmp_path / f"{number}.srt"
        subprocess.run([*argv, "-map", f"0:s:{number}", text], check=True, timeout=60)
        inputs += [*options, "-i", text]
    words = [*argv, *inputs, "-map", "0:v", "-map", "0:a", "-map", "1:s", "-map", "2:s", "-c", "copy"]
    words += ["-c:s", "mov_text", "-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=deu"]
    subprocess.run([*words, "-disposition:s:1", "forced", output], check=True, timeout=60)
    assert message in problems(TRACKS, Made.of(source, output))


def test_subtitles_in_another_container(system_ffmpeg: str, tmp_path: Path) -> None:
    output = tmp_path / "output.mkv"
    argv = [system_ffmpeg, "-v", "error", "-i", samples.sample(TRACKS.sample), "-map", "0:s", "-c:s", "srt", output]
    subprocess.run(argv, check=True, timeout=60)
    source, made = contents_of(samples.sample(TRACKS.sample)), contents_of(output)
    assert [track.cues for track in made.of("subtitle")] == [track.cues for track in source.of("subtitle")]
    assert made.chapters == source.chapters


CAPTION_FAULTS = {
    "switched off": (["-a53cc", "0"], "the captions are gone: no frame carries any"),
    "filtered": (["-bsf:v", "filter_units=remove_types=6"], "the captions are gone: no frame carries any"),
    "side data removed": (["-vf", "sidedata=mode=delete"], "the captions are gone: no frame carries any"),
    "removed in the middle": (
        ["-vf", "sidedata=mode=delete:type=A53_CC:enable='between(n,10,19)'"],
        "frames 10-19 lost the captions",
    ),
}


@pytest.mark.parametrize("fault", CAPTION_FAULTS)
def test_caption_faults_are_named(fault: str, system_ffmpeg: str, tmp_path: Path) -> None:
    options, message = CAPTION_FAULTS[fault]
    assert problems(CAPTIONS, run(CAPTIONS, system_ffmpeg, tmp_path, *options)) == message


def test_captions_beside_full_chroma(static_ffmpeg: str, tmp_path: Path) -> None:
    source, output = samples.sample(CAPTIONS.sample), tmp_path / "full.mp4"
    argv = [static_ffmpeg, "-v", "error", "-i", str(source), "-c:v", "libx264", "-pix_fmt", "yuv444p", str(output)]
    subprocess.run(argv, check=True)
    assert captions_of(output) == captions_of(source)


def test_frames_of_an_odd_size_are_recognised() -> None:
    assert [frame.number for frame in captions_of(samples.sample("odd-321x181"))] == list(range(50))


def test_captions_of_other_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right, path = captioned.triplets_of, tmp_path / "output.mp4"
    monkeypatch.setattr(captioned, "triplets_of", lambda number: right(number + 1 if 20 <= number < 25 else number))
    captioned.CLIPS["captions-256x144.mp4"](path)
    found = problems(CAPTIONS, Made.of(samples.sample(CAPTIONS.sample), path))
    assert f"frames 20-24 with other captions: frame 20 has {right(21).hex()}, {right(20).hex()} was expected" in found


def test_bytes_that_look_like_a_start_code_are_escaped() -> None:
    assert captioned.escaped(b"\0\0\0\0\1\0\0\3\0\0\4") == b"\0\0\3\0\0\3\1\0\0\3\3\0\0\4"
    assert captioned.odd((0, 1, 3, 0x7F)) == b"\x80\x01\x83\x7f"


def test_what_is_no_media(tmp_path: Path) -> None:
    path = tmp_path / "junk.mp4"
    path.write_bytes(b"junk" * 100)
    for read in (contents_of, captions_of):
        with pytest.raises(JudgeError, match=r"junk\.mp4"):
            read(path)
    for case in (TRACKS, CAPTIONS, BURNT):
        assert "can't be read" in problems(case, Made.of(samples.sample(case.sample), path))


_FILTER = BURNT.recipe.argv[BURNT.recipe.argv.index("-vf") + 1]
BURNT_FAULTS = {
    "none": (lambda text: "null", "frames 13-25 without the subtitle that belongs to 0.5 to 1.02 s"),
    "at the top": (lambda text: text.replace("MarginV=16", "Alignment=6"), "frames 13-25, 31-42 changed where no"),
    "late": (
        lambda text: f"setpts=PTS-0.2/TB,{text},setpts=PTS+0.2/TB",
        "frames 13-17 without the subtitle that belongs to 0.5 to 1.02 s",
    ),
    "early": (
        lambda text: f"setpts=PTS+0.2/TB,{text},setpts=PTS-0.2/TB",
        "frames 8-12, 26-30 changed where no subtitle",
    ),
    "too small to read": (lambda text: text.replace("FontSize=36", "FontSize=3"), "without the subtitle"),
    "invisible": (lambda text: text.replace("&Hffffff&", "&HFFffffff&").replace("&H000000&", "&HFF000000&"), "without"),
}


@pytest.mark.parametrize("fault", BURNT_FAULTS)
def test_burn_in_faults_are_named(fault: str, system_ffmpeg: str, tmp_path: Path) -> None:
    change, message = BURNT_FAULTS[fault]
    words = [change(word) if word == _FILTER else word for word in BURNT.recipe.argv]
    assert message in problems(BURNT, run(replace(BURNT, recipe=Recipe(tuple(words))), system_ffmpeg, tmp_path))


def test_burn_in_looks_at_every_line_and_frame(system_ffmpeg: str, tmp_path: Path) -> None:
    words = [f"{word},tpad=stop=2" if word == _FILTER else word for word in BURNT.recipe.argv]
    lengthened = run(replace(BURNT, recipe=Recipe(tuple(words))), system_ffmpeg, tmp_path)
    assert "the output has 50 frames, 48 were expected" in problems(BURNT, lengthened)
    beyond = replace(BURNT, rules=(Burnt(((0.5, 1.02), (5.0, 6.0))),))
    assert "no frame of the source is shown from 5 to 6 s" in problems(beyond, lengthened)


def test_without_fonts_there_is_no_text(system_ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg exits 0 all the same."""
    config = tmp_path / "fonts.conf"
    config.write_text("<fontconfig></fontconfig>", encoding="utf-8")
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))
    found = problems(BURNT, run(BURNT, system_ffmpeg, tmp_path))
    assert "frames 13-25 without the subtitle that belongs to 0.5 to 1.02 s" in found
    assert "frames 31-42 without the subtitle" in found


def test_letters_that_all_look_alike(system_ffmpeg: str, tmp_path: Path) -> None:
    text = BURNT.texts["lines.srt"].replace("iiiiiiiiii", "WWWWWWWWWW")
    found = problems(BURNT, run(replace(BURNT, texts={"lines.srt": text}), system_ffmpeg, tmp_path))
    assert found == "different texts look alike, as the boxes that stand for missing letters do"


def test_dispositions_are_those_of_the_file() -> None:
    with av.open(str(samples.sample(TRACKS.sample))) as container:
        assert container.streams.audio[2].disposition == av.stream.Disposition.comment
