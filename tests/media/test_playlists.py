"""Playlists are written by the image under test: whatever they hold, names stay below their own directory."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mediaimage.errors import JudgeError
from pytest_mediaimage.media.streaming import playlists, reading
from pytest_mediaimage.media.streaming.manifests import parse_dash
from pytest_mediaimage.media.streaming.playlists import (
    Manifest,
    MasterPlaylist,
    MediaPlaylist,
    Piece,
    Segment,
    beside,
    file_name,
    parse_hls,
)
from pytest_mediaimage.media.streaming.reading import names_in

MASTER = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="a, b=c",DEFAULT=YES,URI="sound/index.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="x",INSTREAM-ID="CC1"
# a comment
#EXT-X-STREAM-INF:BANDWIDTH=800800,RESOLUTION=384x216,CODECS="avc1.64000d,mp4a.40.2",AUDIO="sound"
high/index.m3u8

#EXT-X-STREAM-INF:BANDWIDTH=470800
./low.m3u8
"""

MEDIA = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:3
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="init.mp4",BYTERANGE="800@0"
#EXTINF:2.000000,a title, with a comma
all.m4s
#EXTINF:2,
#EXT-X-BYTERANGE:100@800
all%201.m4s
#EXTINF:1.5
#EXT-X-BYTERANGE:50
all%201.m4s
#EXT-X-ENDLIST
"""


def _mpd(body: str, attributes: str = 'type="static" mediaPresentationDuration="PT5.0S"', group: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" {attributes}><Period>'
        f'<AdaptationSet contentType="video" {group}>{body}</AdaptationSet></Period></MPD>'
    )


def _representation(body: str) -> str:
    return (
        f'<Representation id="7" bandwidth="900" width="384" height="216" codecs="avc1.64000d">{body}</Representation>'
    )


def test_a_master_playlist() -> None:
    master = parse_hls(MASTER)
    assert isinstance(master, MasterPlaylist)
    high, low = master.variants
    assert (high.bandwidth, high.width, high.height, high.audio) == (800800, 384, 216, "sound")
    assert high.codecs == ("avc1.64000d", "mp4a.40.2")
    assert (low.name, low.codecs) == ("low.m3u8", ())
    assert master.independent
    assert master.names == ("high/index.m3u8", "low.m3u8", "sound/index.m3u8")


def test_a_media_playlist() -> None:
    media = parse_hls(MEDIA)
    init = Piece("init.mp4", 0, 800)
    assert media == MediaPlaylist(
        segments=(
            Segment(Piece("all.m4s"), 2.0, init),
            Segment(Piece("all 1.m4s", 800, 100), 2.0, init),
            Segment(Piece("all 1.m4s", 900, 50), 1.5, init),
        ),
        version=7,
        target=2,
        sequence=3,
        independent=True,
        ended=True,
    )
    assert media.names == ("init.mp4", "all.m4s", "all 1.m4s")


def test_a_manifest_with_a_timeline() -> None:
    timeline = '<SegmentTimeline><S t="100" d="200" r="1"/><S d="50"/></SegmentTimeline>'
    template = (
        '<SegmentTemplate timescale="100" presentationTimeOffset="100" initialization="i-$RepresentationID$.m4s" '
        f'media="c$$-$Number%05d$-$Time$-$Bandwidth$.m4s" startNumber="9">{timeline}</SegmentTemplate>'
    )
    manifest = parse_dash(_mpd(_representation(template)))
    (track,) = manifest.representations
    assert (track.id, track.kind, track.bandwidth, track.width) == ("7", "video", 900, 384)
    assert manifest.duration == 5.0
    assert [(segment.start, segment.duration) for segment in track.segments] == [(0.0, 2.0), (2.0, 2.0), (4.0, 0.5)]
    assert manifest.names == (
        "i-7.m4s",
        "c$-00009-100-900.m4s",
        "c$-00010-300-900.m4s",
        "c$-00011-500-900.m4s",
    )


def test_a_manifest_with_one_duration_for_all_segments() -> None:
    template = '<SegmentTemplate timescale="10" duration="20" media="$Number$.m4s"/>'
    manifest = parse_dash(_mpd(template + _representation("")))
    segments = manifest.representations[0].segments
    assert [segment.piece.name for segment in segments] == ["1.m4s", "2.m4s", "3.m4s"]
    assert [segment.duration for segment in segments] == [2.0, 2.0, 1.0]
    assert not any(segment.exact for segment in segments)


def test_a_manifest_with_a_list_of_segments_and_base_urls() -> None:
    urls = '<Initialization range="0-99"/><SegmentURL mediaRange="100-199"/><SegmentURL media="b.m4s"/>'
    body = f'<BaseURL>all.mp4</BaseURL><SegmentList duration="2">{urls}</SegmentList>'
    manifest = parse_dash(_mpd(_representation(body)))
    first, second = manifest.representations[0].segments
    assert (first.init, first.piece) == (Piece("all.mp4", 0, 100), Piece("all.mp4", 100, 100))
    assert second.piece == Piece("b.m4s")
    in_folder = parse_dash(_mpd("<BaseURL>video/</BaseURL>" + _representation("<BaseURL>all.mp4</BaseURL>")))
    assert in_folder.names == ("video/all.mp4",)


def test_a_timeline_repeats_to_the_end() -> None:
    timeline = '<SegmentTimeline><S t="0" d="2" r="-1"/></SegmentTimeline>'
    manifest = parse_dash(_mpd(_representation(f'<SegmentTemplate media="$Time$.m4s">{timeline}</SegmentTemplate>')))
    assert manifest.names == ("0.m4s", "2.m4s", "4.m4s")


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "http://example.com/a.m4s",
        "HTTPS://example.com/a.m4s",
        "data:video/mp4;base64,AAAA",
        "//example.com/a.m4s",
        "../a.m4s",
        "a/../../b.m4s",
        "a/%2e%2e/%2e%2e/b.m4s",
        "%2Fetc/passwd",
        "..%2f..%2fetc/passwd",
        "a\\..\\b",
        "a.m4s?token=1",
        "a//b.m4s",
        "a/",
        "a%00b",
        "",
        "x" * 300,
        "/".join("abcdefghijk"),
    ],
)
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(JudgeError):
        file_name(name)
    playlist = tmp_path / "index.m3u8"
    playlist.write_text(f'#EXTM3U\n#EXTINF:2,\ngood.m4s\n#EXT-X-MAP:URI="{name}"\n#EXTINF:2,\nlast.m4s\n')
    assert names_in(playlist) == []
    with pytest.raises(JudgeError, match=r"index\.m3u8: "):
        reading.read(playlist)
    manifest = tmp_path / "index.mpd"
    for text in (
        f'<SegmentTemplate duration="2" media="{name.replace("&", "")}"/>',
        f'<BaseURL>{name}</BaseURL><SegmentTemplate duration="2" media="../$Number$"/>',
    ):
        if name in ("", "a/"):
            continue  # neither is wrong in the place of a BaseURL
        manifest.write_text(_mpd(_representation(text)), encoding="utf-8")
        assert names_in(manifest) == []


@given(st.text(max_size=60) | st.text(alphabet="./%2eFf:\\ab", max_size=30), st.sampled_from(["", "a/", "a/b", "../"]))
def test_no_name_leaves_the_directory(uri: str, base: str) -> None:
    try:
        name = file_name(uri, base)
    except JudgeError:
        return
    path = PurePosixPath(name)
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert "\0" not in name
    assert Path("/judge", name).resolve().is_relative_to("/judge")


_HEADS = st.sampled_from([b"", b"#EXTM3U\n", b"#EXTM3U\n#EXT-X-STREAM-INF:", b"<?xml ", b"<MPD>"])


@given(st.binary(max_size=300), _HEADS)
def test_any_bytes_are_parsed_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(head + content)
    assert isinstance(names_in(path), list)


_TAG = st.sampled_from(
    ["", "#EXTINF:", "#EXT-X-MAP:URI=", "#EXT-X-BYTERANGE:", "#EXT-X-TARGETDURATION:", "#EXT-X-STREAM-INF:"]
)
_VALUES = ("2", "2.5,", "9" * 5000, "-1", "1e9", "nan", "５", '"a"', "100@", "5@6", "BANDWIDTH=" + "9" * 30)
_VALUE = st.sampled_from(_VALUES)


@given(st.lists(st.tuples(_TAG, _VALUE), max_size=12))
def test_playlists_of_wrong_values_are_parsed_or_refused(lines: list[tuple[str, str]]) -> None:
    try:
        parse_hls("\n".join(["#EXTM3U", *(tag + value for tag, value in lines)]))
    except JudgeError as error:
        assert len(error.message) < 300


_NUMBER = st.sampled_from(["0", "1", "2", "-1", "999999999999999999", "9" * 40, "x", ""])


@given(_NUMBER, _NUMBER, _NUMBER, _NUMBER, st.sampled_from(["PT5S", "PT0S", "PT999999H", "P1Y", "PT"]))
def test_manifests_of_wrong_values_are_parsed_or_refused(t: str, d: str, r: str, scale: str, length: str) -> None:
    timeline = f'<SegmentTimeline><S t="{t}" d="{d}" r="{r}"/><S t="{d}" d="{t}" r="-1"/></SegmentTimeline>'
    for section in (
        f'<SegmentTemplate media="$Number$" timescale="{scale}" startNumber="{t}">{timeline}</SegmentTemplate>',
        f'<SegmentTemplate media="$Number%0{d[:2]}d$" timescale="{scale}" duration="{d}"/>',
        f'<SegmentList duration="{d}"><SegmentURL media="a" mediaRange="{t}-{d}"/></SegmentList>',
    ):
        try:
            manifest = parse_dash(_mpd(_representation(section), f'mediaPresentationDuration="{length}"'))
        except JudgeError:
            continue
        assert isinstance(manifest, Manifest)
        assert len(manifest.names) <= playlists.MAX_NAMES


@given(st.lists(st.tuples(st.from_regex(r"[a-z]{1,8}\.m4s", fullmatch=True), st.integers(1, 99999)), max_size=20))
def test_what_is_written_is_read(segments: list[tuple[str, int]]) -> None:
    lines = [line for name, length in segments for line in (f"#EXTINF:{length / 1000:.3f},", name)]
    media = parse_hls("\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:100", *lines, "#EXT-X-ENDLIST"]))
    assert isinstance(media, MediaPlaylist)
    assert [(segment.piece.name, round(segment.duration * 1000)) for segment in media.segments] == segments


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><MPD>&a;</MPD>',
        '<!DOCTYPE MPD SYSTEM "file:///etc/passwd"><MPD/>',
        "<MPD>&a;</MPD>",
        "<MPD><Period/><Period/></MPD>",
        "<html><Period/></html>",
        "<a>" * 1000,
        "",
    ],
)
def test_other_xml_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(JudgeError):
        parse_dash(text)
    path = tmp_path / "a.mpd"
    path.write_text(f'<?xml version="1.0"?>{text}')
    assert names_in(path) == []


def test_an_entity_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mpd"
    path.write_bytes('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "b">]><MPD/>'.encode("utf-16"))
    assert names_in(path) == []


def test_count_and_length_are_limited(tmp_path: Path) -> None:
    path = tmp_path / "index.m3u8"
    path.write_text("#EXTM3U\n" + "".join(f"#EXTINF:1,\n{n}.m4s\n" for n in range(playlists.MAX_NAMES + 1)))
    with pytest.raises(JudgeError, match="over 1000"):
        reading.read(path)
    path.write_text("#EXTM3U\n" + "#" * reading.MAX_BYTES)
    with pytest.raises(JudgeError, match="too many for a playlist"):
        reading.read(path)
    many = '<SegmentTimeline><S t="0" d="1" r="100000000"/></SegmentTimeline>'
    with pytest.raises(JudgeError, match="over 1000"):
        parse_dash(_mpd(_representation(f'<SegmentTemplate media="$Time$">{many}</SegmentTemplate>')))
    with pytest.raises(JudgeError, match="over 1000"):
        parse_dash(_mpd("".join([_representation('<SegmentTemplate media="a" duration="1"/>')] * 300)))


def test_a_long_line_takes_no_time() -> None:
    for line in ("A" * 900_000, "A=" * 400_000, 'A="' * 300_000, "A-=," * 200_000):
        parse_hls(f"#EXTM3U\n#EXT-X-STREAM-INF:{line}\na.m3u8\n")


def test_other_files_name_nothing(tmp_path: Path) -> None:
    for content in (b"", b"\0\0\0\x18ftypmp42", b"a.m4s\nb.m4s\n"):
        (tmp_path / "file.m3u8").write_bytes(content)
        assert names_in(tmp_path / "file.m3u8") == []
    assert names_in(tmp_path / "none.m3u8") == []
    assert names_in(tmp_path) == []


def test_encrypted_segments_are_told(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match="encrypted"):
        parse_hls('#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="https://example.com/key"\n#EXTINF:2,\na.ts\n')
    assert parse_hls("#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\na.ts\n").names == ("a.ts",)


def test_names_are_seen_from_the_master() -> None:
    assert beside("master.m3u8", "high/index.m3u8") == "high/index.m3u8"
    assert beside("high/index.m3u8", "init.mp4") == "high/init.mp4"
