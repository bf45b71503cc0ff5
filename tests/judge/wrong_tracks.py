"""Encoders that lose or move what goes with the picture: tracks, subtitles, chapters, captions, metadata."""

from __future__ import annotations

from encoders import Trial, builds, option, right, wrong


@wrong("multi-track")
def one_language_alone(trial: Trial) -> str:
    trial.encode(change=option("-map", "0:a:1", 1))
    return "the output has 1 audio tracks (deu), the source 3 (eng, deu, fra)"


@wrong("multi-track")
def tracks_exchanged(trial: Trial) -> str:
    def change(argv: list[str]) -> list[str]:
        at = argv.index("0:a")
        return [*argv[:at], "0:a:1", "-map", "0:a:0", "-map", "0:a:2", *argv[at + 1 :]]

    trial.encode(change=change)
    return "audio track 0 says it is deu, eng was expected"


@wrong("multi-track")
def track_lost(trial: Trial) -> str:
    trial.encode("-map", f"-0:a:{trial.pick(0, 2)}")
    return "the output has 2 audio tracks"


@wrong("multi-track")
def commentary_unmarked(trial: Trial) -> str:
    trial.encode("-disposition:a:2", "0")
    return "audio track 2 is not comment, unlike the source's"


@wrong("multi-track")
def subtitles_lost(trial: Trial) -> str:
    trial.encode("-map", "-0:s")
    return "the output has 0 subtitle tracks (none), the source 2 (eng, deu)"


@wrong("multi-track")
def chapters_lost(trial: Trial) -> str:
    trial.encode("-map_chapters", "-1")
    return "the output has 0 chapters, the source 3"


@wrong("captions")
def captions_lost(trial: Trial) -> str:
    trial.encode("-a53cc", "0")
    return "the captions are gone: no frame carries any"


@wrong("captions")
def captions_of_one_frame_lost(trial: Trial) -> str:
    number = trial.pick(1, 48)
    trial.encode("-vf", f"sidedata=mode=delete:type=A53_CC:enable='eq(n,{number})'")
    return f"frame {number} lost the captions"


@right("captions")
def captions_in_another_order_of_coding(trial: Trial) -> None:
    trial.encode("-bf", trial.choose("0", "5"))


@wrong("timed-id3", build="shaka")
def id3_tags_lost(trial: Trial) -> str:
    trial.encode("-dn")
    return "the timed metadata is gone: there is no data track"


@wrong("timed-id3", build="shaka")
def id3_one_tag_lost(trial: Trial) -> str:
    trial.encode("-bsf:d", f"noise=drop=eq(n\\,{trial.pick(1, 3)})")
    return "4 packets of timed metadata, 5 were expected"


@wrong("timed-id3", build="shaka")
def id3_tags_late(trial: Trial) -> str:
    ticks = trial.pick(180, 9000)
    trial.encode("-bsf:d", f"setts=pts=PTS+{ticks}:dts=DTS+{ticks}")
    return f"{ticks / 90:.0f} ms late against the picture (5 of 5 packets)"


@wrong("subtitle-burn-in")
def subtitles_not_drawn(trial: Trial) -> str:
    trial.encode("-vf", "null")
    return "without the subtitle that belongs to 0.5 to 1.02 s"


def _drawn_later(trial: Trial, seconds: float) -> None:
    def later(argv: list[str]) -> list[str]:
        at = argv.index("-vf") + 1
        moved = f"settb=1/1000,setpts=PTS-{seconds}/TB,{argv[at]},setpts=PTS+{seconds}/TB"
        return [*argv[:at], moved, *argv[at + 1 :]]

    trial.encode("-enc_time_base:v", "1:25", change=later)


@wrong("subtitle-burn-in")
def subtitles_of_the_first_frames(trial: Trial) -> str:
    count = trial.pick(1, 40)
    trial.encode("-frames:v", str(count))
    return f"the output has {count} frames, 48 were expected"


@wrong("subtitle-burn-in")
def subtitles_drawn_late(trial: Trial) -> str:
    _drawn_later(trial, 0.2)
    return "frames 13-17 without the subtitle"


def text_late(trial: Trial, milliseconds: float) -> None:
    """The cues of the first subtitle track, by a build whose `setts` loses none (5.1's does)."""
    trial.build = builds()[-1]
    trial.encode("-bsf:s:0", f"setts=pts=PTS+{milliseconds}*0.001/TB:dts=DTS+{milliseconds}*0.001/TB")


@wrong("multi-track")
def subtitles_100_ms_late(trial: Trial) -> str:
    text_late(trial, 100)
    return "subtitle track 0, line 0 is shown from 0.50 to 1.50 s, 0.40 to 1.40 s was expected"


@right("multi-track")
def subtitles_10_ms_late(trial: Trial) -> None:
    text_late(trial, 10)


def second_chapter_at(trial: Trial, second: int) -> None:
    """`second` is when the second chapter begins, in milliseconds."""
    starts = (0, second, 2560, 3840)
    titles = ("Opening", "Überfahrt", "End")
    text = ";FFMETADATA1\n" + "".join(
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={starts[at]}\nEND={starts[at + 1]}\ntitle={title}\n"
        for at, title in enumerate(titles)
    )

    def change(argv: list[str]) -> list[str]:
        at = argv.index("-i") + 2
        return [*argv[:at], "-f", "ffmetadata", "-i", str(trial.folder / "chapters.txt"), *argv[at:]]

    trial.encode("-map_chapters", "1", change=change, texts={"chapters.txt": text})


@wrong("multi-track")
def chapter_50_ms_late(trial: Trial) -> str:
    second_chapter_at(trial, 1330)
    return "chapter 'Opening' is from 0.00 to 1.33 s"


@right("multi-track")
def chapter_10_ms_late(trial: Trial) -> None:
    second_chapter_at(trial, 1290)


@right("timed-id3", build="shaka")
def id3_tags_half_a_millisecond_late(trial: Trial) -> None:
    trial.encode("-bsf:d", "setts=pts=PTS+45:dts=DTS+45")


@wrong("subtitle-burn-in")
def subtitles_drawn_early(trial: Trial) -> str:
    _drawn_later(trial, -0.2)
    return "changed where no subtitle belongs"


@right("subtitle-burn-in")
def subtitles_drawn_10_ms_late(trial: Trial) -> None:
    _drawn_later(trial, 0.01)


@wrong("subtitle-burn-in")
def subtitles_too_small_to_read(trial: Trial) -> str:
    trial.encode(change=lambda argv: [word.replace("FontSize=36", "FontSize=4") for word in argv])
    return "without the subtitle that belongs to"
