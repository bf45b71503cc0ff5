from __future__ import annotations

from pathlib import Path

import av
import pytest

from pytest_mediaimage.media import samples
from pytest_mediaimage.media.packets import packets


def test_parameter_sets_lie_beside_the_packets_of_mp4_and_among_those_of_mpeg_ts() -> None:
    found = packets(samples.sample("bars-384x216"))
    assert [item.idr for item in found].count(True) >= 3
    assert not any(item.sets for item in found)
    streamed = packets(samples.sample("live-256x144"))
    assert all(item.sets for item in streamed if item.idr)
    assert not all(item.sets for item in streamed)


def test_packets_are_the_same_in_another_container(tmp_path: Path) -> None:
    source, copied = samples.sample("bars-384x216"), tmp_path / "copied.mov"
    with av.open(str(source)) as taken, av.open(str(copied), "w") as out:
        stream = out.add_stream_from_template(taken.streams.video[0])
        for packet in taken.demux(taken.streams.video[0]):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    one, other = packets(source), packets(copied)
    assert [(item.length, item.checksum) for item in one] == [(item.length, item.checksum) for item in other]
    assert [item.shown for item in other] == pytest.approx([item.shown for item in one], abs=0.001)
    assert len({item.checksum for item in one}) > 100
