"""`https-private-ca` and `https-unknown-ca`: input by HTTPS, from a server whose CA only the job knows."""

from __future__ import annotations

from dataclasses import replace

from ..case import Case, Needs
from ..recipe import Recipe
from ..rules.audio import AudioTracks
from ..rules.pictures import Pictures
from ..rules.refusal import Refused
from ..rules.streams import Streams
from . import certificates
from .audio import sound_limits
from .inputs import EXACT
from .software import X264, quality

# The container's own loopback: nothing else listens there.
_URL = "https://127.0.0.1:8443/input.ts"

_BEGIN = ("{ffmpeg}", "-nostdin", "-hide_banner", "-nostats", "-v", "verbose", "-threads", "1", "-bitexact")
_SERVER = Recipe(
    (
        *(*_BEGIN, "-i", "{input}", "-map", "0:v:0", "-map", "0:a:0", "-c", "copy", "-f", "mpegts"),
        # FFmpeg 9 would ask the client for a certificate too. Nobody waits for a client that never comes.
        *("-listen", "1", "-listen_timeout", "10000", "-tls_verify", "0"),
        *("-cert_file", "{extra:server.pem}", "-key_file", "{extra:server.key}", _URL),
    )
)
_CLIENT = Recipe(
    (
        # FFmpeg before 8 verifies only where it is told to.
        *(*_BEGIN, "-tls_verify", "1", "-ca_file", "{extra:ca.pem}", "-i", _URL, "-map", "0:v:0", "-map", "0:a:0"),
        *("-map_metadata", "-1", *X264, *EXACT, "-flags:v", "+bitexact+cgop", "-c:a", "aac", "-b:a", "128k"),
        *("-flags:a", "+bitexact", "-fflags", "+bitexact", "-f", "mp4", "-y", "{output}"),
    )
)

_PRIVATE = Case(
    name="https-private-ca",
    sample="part-1-256x144",
    recipe=_CLIENT,
    server=_SERVER,
    rules=(
        Streams(
            format="mp4",
            video_codec="h264",
            pix_fmt="yuv420p",
            audio_codec="aac",
            fps=0.0,
            channels=2,
            sample_rate=48000,
        ),
        Pictures(quality("own: 3 dB below FFmpeg 5.1.9, 8.1 and 9.0", y=(40.5, 37.5), u=(46.5, 41.0), v=(46.5, 44.0))),
        AudioTracks(sound_limits(0.95)),
    ),
    needs=Needs(
        encoders=("libx264", "aac"),
        decoders=("h264", "aac"),
        filters=("null", "anull", "format", "aformat"),
        protocols=("https", "tls"),
        muxers=("mp4", "mpegts"),
    ),
    texts={
        "ca.pem": certificates.CA,
        "server.pem": certificates.SERVER,
        "server.key": certificates.SERVER_KEY,
    },
    golden=False,
)

CASES = (
    _PRIVATE,
    replace(
        _PRIVATE,
        name="https-unknown-ca",
        rules=(
            Refused(
                "certificate",
                "no CA that it knows signed the server's certificate",
                "Build FFmpeg with a TLS library that verifies, and let no wrapper set -tls_verify 0.",
            ),
        ),
        texts={**_PRIVATE.texts, "ca.pem": certificates.OTHER_CA},
        fails=True,
    ),
)
