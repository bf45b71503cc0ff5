"""The main job on a real image in a real engine."""

from __future__ import annotations

from pytest_mediaimage.checks.analysers import ANALYSERS
from pytest_mediaimage.checks.transcode.cards import HARDWARE
from pytest_mediaimage.image.digest import Platform
from pytest_mediaimage.image.reference import Reference
from pytest_mediaimage.image.sources import Opening, open_image


def test_every_check_on_a_debian_image(media, media_cache, debian_image, docker_engine):
    outcome = media(f"docker:{debian_image}")
    assert outcome.code == 0
    statuses = outcome.statuses()
    # What an engine's copy can't show, and what nobody asked for.
    skipped = {check for check, status in statuses.items() if status == "skipped"}
    assert skipped - {"vulnerabilities.known"} == {  # which runs where a scanner is installed
        *("reference.pinned", "size.compressed", "size.growth", "layers.reuse", "binaries.isa"),
        *(f"manifest.{name}" for name in ("platforms", "compression", "attestations", "parity", "runtime-floor")),
        *(f"hardware.{name}" for name in (*HARDWARE, "reachable", "driver-floor", "fallback")),
        *("container.stop", "container.exit-code"),
        *(f"sbom.{name}" for name in ("attached", "complete", "fresh")),
    }
    assert set(statuses.values()) == {"passed", "skipped"}
    assert "runtime: docker" in outcome.text

    image = docker_engine.images.get(debian_image)
    assert outcome.report["images"][0]["digest"] == image.id
    # The engine counts a link's own text too (moby, pkg/directory: every inode but directories).
    opened = open_image(Reference.parse(f"docker:{debian_image}"), Platform.host(), Opening(media_cache, ANALYSERS))
    links = sum(len(entry.link) for facts in opened.layer_facts for entry in facts.entries if entry.type == "symlink")
    assert outcome.result("size.unpacked")["measured"] + links == image.attrs["Size"]
    listed = docker_engine.containers.run(
        debian_image, ["-hide_banner", "-encoders"], entrypoint="ffmpeg", remove=True, network_mode="none"
    )
    encoders = listed.decode().partition("------")[2].strip().splitlines()
    assert f" {len(encoders)} encoders" in outcome.result("ffmpeg.capabilities")["measured"]
    named = outcome.result("sbom.generated")["measured"]
    count = named.partition(", ")[2].split()
    assert int(count[0]) == int(count[2]) >= 11
    for layer in outcome.report["images"][0]["layers"]:
        assert layer["created_by"]


def test_a_second_run_reads_no_layer_again(media, debian_image):
    media(f"docker:{debian_image}", "--media-static", "-k", "size.unpacked")
    again = media(f"docker:{debian_image}", "--media-static", "-k", "size.unpacked")
    assert again.result("size.unpacked")["duration"] < 2  # reading 650 MB takes several times that
