"""Encoders whose renditions, playlists or segments are wrong, that pass over broken input, or that aren't hardware."""

from __future__ import annotations

from encoders import Trial, before, option, replaced, right, wrong

from pytest_mediaimage.media.clip import fresh_clip
from pytest_mediaimage.media.hardware.paths import PATHS
from pytest_mediaimage.media.hardware.proof import Attempt, of_attempt


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


@wrong("h264-ladder")
def rung_with_half_the_bits(trial: Trial) -> str:
    trial.encode(change=before("medium.mp4", "-b:v", "180k", "-maxrate", "198k"))
    return "medium.mp4: "


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


@wrong("truncated-input")
def truncation_unnoticed(trial: Trial) -> str:
    trial.encode(change=lambda argv: [word for word in argv if word != "-xerror"])
    return "ended with exit code 0, though its input can't be read to the end"


@wrong("damaged-input")
def ends_at_the_damage(trial: Trial) -> str:
    trial.encode("-frames:v", "25")
    return "frames 50-74 missing, though the damage lies elsewhere"


@wrong("damaged-input")
def damage_unreported(trial: Trial) -> str:
    trial.encode(change=replaced(("verbose", "quiet")))
    return "the input is damaged, and nothing on stderr says so"


@wrong("live-wrap")
def gap_of_the_live_stream_closed(trial: Trial) -> str:
    trial.encode("-vf", "setpts=N/25/TB")
    return "earlier or later than in the source"


@wrong("live-wrap")
def sound_late_after_the_gap(trial: Trial) -> str:
    trial.encode("-af", "adelay=40:all=1")
    return "audio track 0 sounds 40"


_WORDS = "[h264_vaapi @ 0x1] Using VAAPI entrypoint VAEntrypointEncSlice (6).\n"
_FORGED = ("-bsf:v", "filter_units=remove_types=6", "-metadata:s:v:0", "encoder=Lavc62 h264_vaapi", "-bitexact")


def _hardware(trial: Trial, *options: str) -> None:
    """What stands for a hardware encoder is x264, and a log that speaks of VAAPI."""
    clip = trial.folder / "clip.mp4"
    nonce = fresh_clip(clip, frames=25)
    _, probe = PATHS["vaapi"].probes("/dev/dri/renderD128")
    trial.run([trial.build.program, "-v", "error", "-y", "-i", clip, "-map", "0:v:0", *options, trial.output()])
    outcome = of_attempt(probe, "vaapi", Attempt(0, _WORDS, trial.output()), clip, nonce)
    trial.said = [] if outcome.proven else [f"{outcome.verdict}: {outcome.reason}"]


@wrong("h264-aac")
def software_that_poses_as_hardware(trial: Trial) -> str:
    _hardware(trial, "-c:v", "libx264", "-qp", "23")
    return "signed by x264 core"


@wrong("h264-aac")
def hardware_that_lost_a_frame(trial: Trial) -> str:
    number = trial.pick(1, 23)
    keep = ("-vf", f"select='not(eq(n,{number}))'", "-fps_mode", "passthrough")
    _hardware(trial, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "23", *_FORGED, *keep)
    return f"frame {number} missing"


_NOISE = "noise=c0s={}:c0f=t:all_seed=7"


@wrong("h264-aac")
def hardware_3_db_below_software(trial: Trial) -> str:
    _hardware(trial, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "23", *_FORGED, "-vf", _NOISE.format(4))
    return "software gives"


@right("h264-aac")
def hardware_nearly_as_good_as_software(trial: Trial) -> None:
    _hardware(trial, "-c:v", "libx264", "-preset", "ultrafast", "-qp", "23", *_FORGED, "-vf", _NOISE.format(2))
