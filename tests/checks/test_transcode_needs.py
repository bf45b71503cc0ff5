"""What an ffmpeg lacks is named where a case is skipped for it."""

from __future__ import annotations

import pytest
from hardware_images import wrapped


@pytest.mark.parametrize(
    ("option", "told", "case", "lacks"),
    [
        ("-muxers", "  E mov  QuickTime / MOV", "h264-aac", "the muxer mp4"),
        ("-muxers", "  E  mp4  MP4", "hls-fmp4", "the muxer hls"),
        ("-protocols", "Input:\\n  file\\n  http", "https-private-ca", "the protocol https, the protocol tls"),
        ("-encoders", " A....D aac  AAC", "vp9", "the encoder libvpx-vp9"),
    ],
)
def test_a_listing_without_it(media, pytester, tmp_path, option, told, case, lacks):
    (pytester.path / "mediaimage.yaml").write_text(f"version: 1\ntranscode: {{cases: [{case}]}}\n")
    script = f"""case "$*" in *{option}*) printf '{told}\\n'; exit;; esac; exec /opt/ffmpeg "$@" """
    outcome = media(wrapped(tmp_path / "image", script), "--media-runtime=sandbox", "-k", f"transcode.{case}")
    result = outcome.result(f"transcode.{case}")
    assert (outcome.code, result["status"], result["reason"]) == (0, "skipped", f"ffmpeg lacks {lacks}")
