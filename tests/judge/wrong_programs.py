"""Programs that say they use hardware and don't, or that don't live on without it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from encoders import Trial, right, wrong

from pytest_mediaimage.media.clip import fresh_clip
from pytest_mediaimage.media.hardware.paths import PATHS
from pytest_mediaimage.media.hardware.proof import Attempt, of_attempt

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


_TELL = "echo 'VAAPI device not available, falling back to libx264' >&2"
_X264 = 'exec /opt/ffmpeg -nostdin -v error -y -i "$1" -c:v libx264 -preset veryfast -crf 20'
_BROKEN = '[ "$LIBVA_DRIVER_NAME" = bogus ] &&'


def _fallback(trial: Trial, script: str) -> None:
    """The check `hardware.fallback` on an image with this program, in a sandbox."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "checks"))
    from hardware_images import wrapped

    layout = wrapped(trial.folder / "image", programs={"app/encode": script})
    (trial.folder / "pytest.ini").write_text("[pytest]\n")
    (trial.folder / "mediaimage.yaml").write_text(
        'version: 1\ntranscode: {cases: []}\nfallback: {command: [/app/encode, "{input}", "{output}"]}\n'
    )
    report = trial.folder / "report.json"
    options = (f"--media-image=oci:{layout}", "--media-runtime=sandbox", f"--media-report=json:{report}")
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "hardware.fallback", *options]
    cache = f"--media-cache={trial.folder / 'cache'}"
    done = subprocess.run([*argv, cache], cwd=trial.folder, capture_output=True, text=True, timeout=300, check=False)
    if not report.exists():
        raise RuntimeError(done.stdout[-1500:] + done.stderr[-1500:])
    result = next(one for one in json.loads(report.read_text())["results"] if one["check"] == "hardware.fallback")
    if result["status"] not in ("passed", "failed"):
        raise RuntimeError(f"{result['status']}: {result['reason']}")
    trial.said = [finding["message"] for finding in result["findings"]]


@wrong("h264-aac")
def fallback_missing(trial: Trial) -> str:
    code = trial.pick(1, 100)
    _fallback(trial, f'{_BROKEN} {{ echo libva error >&2; exit {code}; }}; {_TELL}; {_X264} "$2"')
    return f"with LIBVA_DRIVER_NAME=bogus: exit code {code}: libva error"


@wrong("h264-aac")
def fallback_that_loses_frames(trial: Trial) -> str:
    number = trial.pick(1, 23)
    lost = f"select='not(eq(n,{number}))'"
    _fallback(
        trial, f'{_BROKEN} {{ {_TELL}; {_X264} -vf "{lost}" -fps_mode passthrough "$2"; }}; {_TELL}; {_X264} "$2"'
    )
    return f"with LIBVA_DRIVER_NAME=bogus: frame {number} missing"


@wrong("h264-aac")
def fallback_of_lower_quality(trial: Trial) -> str:
    _fallback(trial, f'{_BROKEN} {{ {_TELL}; {_X264} -crf 23 "$2"; }}; {_TELL}; {_X264} "$2"')
    return "with LIBVA_DRIVER_NAME=bogus: PSNR-Y is"


@right("h264-aac")
def fallback_of_nearly_the_same_quality(trial: Trial) -> None:
    _fallback(trial, f'{_BROKEN} {{ {_TELL}; {_X264} -crf 20.1 "$2"; }}; {_TELL}; {_X264} "$2"')
