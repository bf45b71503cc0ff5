"""Encoders whose renditions, playlists or segments are wrong, that pass over broken input, or that aren't hardware."""

from __future__ import annotations

from encoders import Trial, before, option, replaced, right, wrong


@wrong("h264-ladder")
def rungs_misaligned(trial: Trial) -> str:
    name = trial.choose("medium.mp4", "low.mp4")
    trial.encode(change=before(name, "-g", "48", "-keyint_min", "48"))
    return f"{name}: IDR frames aren't where high.mp4 has them"


@wrong("h264-ladder")
def rung_of_another_size(trial: Trial) -> str:
    trial.encode(change=replaced(("scale=128:72", "scale=160:90")))
    return "low.mp4: video width is 160, 128 was expected"


@wrong("h264-ladder")
def rung_scaled_without_a_filter(trial: Trial) -> str:
    trial.encode(change=replaced(("scale=256:144:flags=bicubic", "scale=256:144:flags=neighbor")))
    return "medium.mp4: mean SSIM-Y is"


@wrong("h264-ladder")
def rung_scaled_up_from_the_lowest(trial: Trial) -> str:
    trial.encode(change=replaced(("scale=256:144", "scale=128:72,scale=256:144")))
    return "medium.mp4: mean PSNR-Y is"


def fewer_bits(trial: Trial, share: float) -> str:
    """Of one rung."""
    name = trial.choose("high.mp4", "medium.mp4", "low.mp4")
    rate = {"high.mp4": 600, "medium.mp4": 360, "low.mp4": 160}[name] * share
    trial.encode(change=before(name, "-b:v", f"{rate:.0f}k", "-maxrate", f"{rate * 1.1:.0f}k"))
    return name


@wrong("h264-ladder")
def rung_with_half_the_bits(trial: Trial) -> tuple[str, str]:
    name = fewer_bits(trial, 0.5)
    return f"{name}: the video has", f"{name}: "


@wrong("h264-ladder")
def rung_with_a_tenth_fewer_bits(trial: Trial) -> str:
    return f"{fewer_bits(trial, 0.9)}: the video has"


@right("h264-ladder")
def rung_with_a_fiftieth_fewer_bits(trial: Trial) -> None:
    fewer_bits(trial, 0.98)


@right("h264-ladder")
def rungs_with_more_idr_frames(trial: Trial) -> None:
    """At the same times in all of them."""
    trial.encode(change=lambda argv: ["25" if argv[at - 1] == "-g" else word for at, word in enumerate(argv)])


@right("h264-ladder")
def rung_scaled_by_another_good_filter(trial: Trial) -> None:
    trial.encode(change=replaced(("scale=256:144:flags=bicubic", "scale=256:144:flags=lanczos")))


@wrong("h264-ladder")
def rung_lost_a_frame(trial: Trial) -> str:
    number = trial.pick(1, 123)
    trial.encode(
        change=lambda argv: before("low.mp4", "-fps_mode", "passthrough")(
            replaced(("scale=128:72", f"select='not(eq(n,{number}))',scale=128:72"))(argv)
        )
    )
    return f"low.mp4: frame {number} missing"


def _edit(trial: Trial, name: str, old: str, new: str) -> None:
    text = trial.output(name).read_text()
    assert old in text, text
    trial.output(name).write_text(text.replace(old, new, 1))


@wrong("hls-fmp4")
def hls_segment_missing(trial: Trial) -> str:
    trial.encode()
    name = f"segment-{trial.pick(0, 2)}-{trial.pick(0, 2)}.m4s"
    trial.output(name).unlink()
    return f"track-{name[8]}.m3u8 names {name}, which the transcode didn't leave"


@wrong("hls-fmp4")
def extinf_wrong(trial: Trial) -> str:
    trial.encode()
    track = trial.pick(0, 1)
    _edit(trial, f"track-{track}.m3u8", "EXTINF:2.000000", "EXTINF:1.990000")
    return f"track-{track}.m3u8: segment-{track}-0.m4s lasts 2.000 s, 1.990 s are declared"


@right("hls-fmp4")
def extinf_rounded(trial: Trial) -> None:
    trial.encode()
    _edit(trial, f"track-{trial.pick(0, 1)}.m3u8", "EXTINF:2.000000", "EXTINF:2.001")


@wrong("hls-fmp4")
def segments_not_independent(trial: Trial) -> str:
    trial.encode("-x264-params", "open-gop=1:keyint=50:scenecut=0", change=option("-flags:v", "+bitexact-cgop"))
    return "doesn't begin with an IDR frame"


@wrong("hls-fmp4")
def independence_not_declared(trial: Trial) -> str:
    trial.encode(change=replaced(("independent_segments", "round_durations")))
    return "has no EXT-X-INDEPENDENT-SEGMENTS"


@wrong("hls-fmp4")
def segment_repeated(trial: Trial) -> str:
    trial.encode()
    track = trial.pick(0, 1)
    trial.output(f"segment-{track}-1.m4s").write_bytes(trial.output(f"segment-{track}-0.m4s").read_bytes())
    return f"track-{track}.m3u8: an overlap of 2000.0 ms in decode times"


@wrong("hls-fmp4")
def bandwidth_understated(trial: Trial) -> str:
    trial.encode()
    text = trial.output("master.m3u8").read_text()
    bandwidth = next(part for part in text.split("BANDWIDTH=")[1:])[:6].split(",")[0]
    _edit(trial, "master.m3u8", f"BANDWIDTH={bandwidth}", "BANDWIDTH=400000")
    return "track-0.m3u8: a segment takes"


@right("hls-fmp4")
def bandwidth_overstated_a_little(trial: Trial) -> None:
    trial.encode()
    text = trial.output("master.m3u8").read_text()
    bandwidth = text.split("BANDWIDTH=")[1].split(",")[0].split()[0]
    _edit(trial, "master.m3u8", f"BANDWIDTH={bandwidth}", f"BANDWIDTH={int(bandwidth) * 105 // 100}")


@wrong("hls-fmp4")
def other_codec_declared(trial: Trial) -> str:
    trial.encode()
    _edit(trial, "master.m3u8", "avc1.", "hvc1.")
    return "is declared"


@wrong("hls-fmp4")
def other_size_declared(trial: Trial) -> str:
    trial.encode()
    _edit(trial, "master.m3u8", "RESOLUTION=384x216", "RESOLUTION=768x432")
    return "its pictures are 384x216, 768x432 is declared"


@wrong("hls-fmp4")
def end_of_playlist_missing(trial: Trial) -> str:
    trial.encode()
    name = f"track-{trial.pick(0, 2)}.m3u8"
    _edit(trial, name, "#EXT-X-ENDLIST", "")
    return f"{name} has no EXT-X-ENDLIST"


@wrong("hls-fmp4")
def target_duration_too_short(trial: Trial) -> str:
    trial.encode()
    name = f"track-{trial.pick(0, 1)}.m3u8"
    _edit(trial, name, "#EXT-X-TARGETDURATION:2", "#EXT-X-TARGETDURATION:1")
    return f"{name} has a target duration of 1 s, and segments of up to 2 s"


@wrong("dash")
def dash_gap(trial: Trial) -> tuple[str, str]:
    """The decode times of a segment are a frame later: `tfdt` of version 1, ISO/IEC 14496-12, 8.8.12."""
    trial.encode()
    track = trial.pick(0, 1)
    path = trial.output(f"chunk-stream{track}-00002.m4s")
    data = bytearray(path.read_bytes())
    at = data.index(b"tfdt") + 8
    data[at : at + 8] = (int.from_bytes(data[at : at + 8], "big") + 512).to_bytes(8, "big")
    path.write_bytes(data)
    return f"representation {track}: a gap of 40.0 ms in decode times", f"where {path.name} begins"


@wrong("dash")
def dash_segment_missing(trial: Trial) -> str:
    trial.encode()
    name = f"chunk-stream{trial.pick(0, 2)}-0000{trial.pick(1, 3)}.m4s"
    trial.output(name).unlink()
    return f"names {name}, which the transcode didn't leave"


@wrong("dash")
def dash_too_long(trial: Trial) -> str:
    trial.encode()
    _edit(trial, "manifest.mpd", 'Duration="PT5.0S"', 'Duration="PT5.2S"')
    return "is declared to last 5.200 s, the source lasts 5.000 s"


@right("dash")
def dash_a_fiftieth_of_a_second_longer(trial: Trial) -> None:
    """Sound may last longer than the picture by an encoder's padding."""
    trial.encode()
    _edit(trial, "manifest.mpd", 'Duration="PT5.0S"', 'Duration="PT5.02S"')


@wrong("dash")
def dash_bandwidth_understated(trial: Trial) -> str:
    trial.encode()
    text = trial.output("manifest.mpd").read_text()
    bandwidth = text.split('bandwidth="')[1].split('"')[0]
    _edit(trial, "manifest.mpd", f'bandwidth="{bandwidth}"', 'bandwidth="300000"')
    return "a segment takes"


@wrong("concat")
def frame_lost_at_the_seam(trial: Trial) -> str:
    number = trial.choose("47", "48")
    trial.encode("-vf", f"select='not(eq(n,{number}))'")
    return f"frame {number} missing"


@wrong("concat")
def parts_exchanged(trial: Trial) -> str:
    trial.encode(texts={"list.txt": "ffconcat version 1.0\nfile '{extra:second}'\nfile '{input}'\n"})
    return "frames 0 and 48 swapped"


@wrong("concat")
def gap_at_the_seam(trial: Trial) -> str:
    trial.encode(texts={"list.txt": "ffconcat version 1.0\nfile '{input}'\nduration 2.2\nfile '{extra:second}'\n"})
    return "frames 48-95 shown at the wrong time: frame 48 +280 ms"


@right("concat")
def seam_10_ms_late(trial: Trial) -> None:
    """Picture and sound alike."""
    trial.encode(texts={"list.txt": "ffconcat version 1.0\nfile '{input}'\nduration 1.93\nfile '{extra:second}'\n"})


@wrong("truncated-input")
def truncation_unnoticed(trial: Trial) -> str:
    trial.encode(change=lambda argv: [word for word in argv if word != "-xerror"])
    return "ended with exit code 0, though its input can't be read to the end"


@wrong("truncated-input")
def truncation_without_a_word(trial: Trial) -> str:
    trial.encode(change=replaced(("verbose", "quiet")))
    return "for another reason: ''"


@wrong("truncated-input")
def crash_at_the_truncation(trial: Trial) -> str:
    trial.encode()
    trial.exit_code = 139
    return "the command crashed: signal 11"


@right("truncated-input")
def truncation_with_another_exit_code(trial: Trial) -> None:
    """Of FFmpeg 9.0; 5.1 ends with 1."""
    trial.encode()
    trial.exit_code = 183


@wrong("damaged-input")
def ends_at_the_damage(trial: Trial) -> str:
    trial.encode("-frames:v", "25")
    return "frames 50-74 missing, though the damage lies elsewhere"


@wrong("damaged-input")
def damage_unreported(trial: Trial) -> str:
    trial.encode(change=replaced(("verbose", "quiet")))
    return "the input is damaged, and nothing that is printed says so"


@wrong("live-wrap")
def gap_of_the_live_stream_closed(trial: Trial) -> str:
    trial.encode("-vf", "setpts=N/25/TB")
    return "earlier or later than in the source"


@wrong("live-wrap")
def sound_late_after_the_gap(trial: Trial) -> str:
    trial.encode("-af", "adelay=40:all=1")
    return "audio track 0 sounds 40"


@right("damaged-input")
def damage_reported_in_few_words(trial: Trial) -> None:
    trial.encode(change=replaced(("verbose", "error")))


@right("live-wrap")
def sound_3_ms_late_after_the_gap(trial: Trial) -> None:
    trial.encode("-af", "aresample=async=1,adelay=144S:all=1")
