"""HLS (RFC 8216): a master playlist, its media playlists and their segments."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from ...errors import JudgeError
from ..case import Problem
from ..made import Made
from ..streaming.playlists import MasterPlaylist, MediaPlaylist, Variant, beside
from ..streaming.reading import read
from .segments import Limits, Track, judge_tracks


@dataclass(frozen=True, slots=True)
class Hls:
    """A finished presentation: its playlists keep to the RFC, their segments to the playlists, all to the source.

    `output` is the master playlist, or the only media playlist.
    """

    limits: Limits
    output: str = ""

    def judge(self, made: Made) -> Iterator[Problem]:
        name = self.output or made.main
        top = read(made.path(name))
        if isinstance(top, MasterPlaylist):
            tracks = yield from self._master(made, name, top)
        elif isinstance(top, MediaPlaylist):
            yield from self._media(name, top, is_video=bool(self.limits.video))
            tracks = [Track(name, name, top.segments)]
        else:
            raise JudgeError(f"{name} is no HLS playlist")
        yield from judge_tracks(made, tracks, self.limits)

    def _master(self, made: Made, name: str, master: MasterPlaylist) -> Generator[Problem, None, list[Track]]:
        groups = {item.group for item in master.renditions if item.kind == "AUDIO"}
        tracks: list[Track] = []
        wanted: dict[str, Variant] = {variant.name: variant for variant in master.variants}
        for variant in master.variants:
            if variant.bandwidth is None:
                yield Problem(f"{name}: {variant.name} has no BANDWIDTH", "no BANDWIDTH", "It is required (4.3.4.2).")
            if not variant.codecs:
                yield Problem(f"{name}: {variant.name} has no CODECS", "no CODECS", "Let the packager write CODECS.")
            if variant.audio and variant.audio not in groups:
                message = f"{name}: {variant.name} names the audio group {variant.audio!r}, which isn't there"
                yield Problem(message, "no audio group", "Write an EXT-X-MEDIA of that group.")
        for item in master.renditions:
            if item.kind == "AUDIO" and item.name:
                codecs = tuple(c for variant in master.variants if variant.audio == item.group for c in variant.codecs)
                wanted.setdefault(item.name, Variant(item.name, codecs=codecs))
        videos = {variant.name for variant in master.variants}
        for file, variant in wanted.items():
            path = beside(name, file)
            if path not in made.outputs:
                message = f"{name} names {file}, which the transcode didn't leave"
                yield Problem(message, f"{name}: missing playlist", "Write all playlists that the master names.")
                continue
            try:
                media = read(made.path(path))
                if not isinstance(media, MediaPlaylist):
                    raise JudgeError(f"{path} is no media playlist")
            except JudgeError as error:
                message = f"a playlist can't be read: {error.message}"
                yield Problem(message, f"{path}: unreadable", "Let the packager name segments relative to it.")
                continue
            is_video = file in videos
            yield from self._media(path, media, is_video=is_video and not master.independent)
            tracks.append(
                Track(
                    label=path,
                    playlist=path,
                    segments=media.segments,
                    kind="video" if is_video else "audio",
                    codecs=variant.codecs,
                    bandwidth=variant.bandwidth,
                    width=variant.width,
                    height=variant.height,
                )
            )
        return tracks

    def _media(self, name: str, media: MediaPlaylist, *, is_video: bool) -> Iterator[Problem]:
        if not media.ended:
            message = f"{name} has no EXT-X-ENDLIST: players take it for live, and wait for more"
            yield Problem(message, f"{name}: no ENDLIST", "Let ffmpeg end by itself, or set -hls_playlist_type vod.")
        if is_video and not media.independent:
            message = f"{name} has no EXT-X-INDEPENDENT-SEGMENTS, nor has its master playlist"
            yield Problem(message, f"{name}: no INDEPENDENT-SEGMENTS", "Set -hls_flags +independent_segments.")
        if media.sequence and media.ended:
            message = f"{name} begins with segment {media.sequence}: those before it are gone"
            yield Problem(message, f"{name}: media sequence", "Set -hls_list_size 0, and delete no segments.")
        if any(segment.init for segment in media.segments) and media.version < 6:
            message = f"{name} says version {media.version}; EXT-X-MAP takes version 6"
            yield Problem(message, f"{name}: version", "Let the packager write EXT-X-VERSION:7.")
        # RFC 8216, 4.3.3.1: each EXTINF, rounded to a whole number, is at most the target duration.
        longest = max((int(segment.duration + 0.5) for segment in media.segments), default=0)
        wanted = int(self.limits.duration + 0.5)
        if media.target is None:
            yield Problem(f"{name} has no EXT-X-TARGETDURATION", f"{name}: no target", "It is required (4.3.3.1).")
        elif longest > media.target:
            message = f"{name} has a target duration of {media.target} s, and segments of up to {longest} s"
            yield Problem(message, f"{name}: target duration", "Let the packager set it to the longest segment.")
        elif media.target > wanted:
            message = f"{name} has a target duration of {media.target} s, {wanted} s were asked for"
            yield Problem(message, f"{name}: target duration", "Set -hls_time, and key frames that fit it.")
