"""Faults of names, manifests and configurations."""

from __future__ import annotations

from clean_image import Parts, Step
from mutants import fault, near_miss

from pytest_mediaimage.image.build import Item

SECRET = "ghp_" + "R7x2KfQ9mZt4WcY8uLp3VbN6sHd1Jg3pAk0e"


@fault("reference.pinned", source="tag")
def a_tag(parts: Parts) -> str:
    return ":1"


@near_miss("reference.pinned", source="digest")
def a_digest(parts: Parts) -> None:
    pass


@fault("manifest.platforms", also=("manifest.parity",))
def no_arm(parts: Parts) -> str:
    parts.other_platform = ""
    return "linux/arm64"


@fault("manifest.platforms")
def an_entry_of_another_platform(parts: Parts) -> str:
    parts.other_platform = "linux/s390x"
    parts.claimed = {"linux/s390x": "arm64"}
    return "s390x"


@near_miss("manifest.platforms")
def arm64_with_its_variant(parts: Parts) -> None:
    parts.other_platform = "linux/arm64/v8"


@fault("manifest.compression")
def gzip_above_zstd(parts: Parts) -> str:
    parts.steps[1].compression = "zstd"
    parts.top(Item("opt/noise", parts.chance.randbytes(1_000_000)))
    parts.steps[-1].compression = "gzip"
    return "gzip"


@fault("manifest.compression")
def says_gzip_and_is_zstd(parts: Parts) -> str:
    parts.steps[1].media_type = "application/vnd.oci.image.layer.v1.tar+gzip"
    return "zstd"


@near_miss("manifest.compression")
def the_base_in_gzip(parts: Parts) -> None:
    parts.steps[0].compression = "gzip"


@fault("manifest.labels")
def a_label_misses(parts: Parts) -> str:
    del parts.config["Labels"]["org.opencontainers.image.source"]
    return "image.source"


@fault("manifest.labels")
def a_label_is_empty(parts: Parts) -> str:
    parts.config["Labels"]["org.opencontainers.image.source"] = ""
    return "image.source"


@fault("manifest.labels")
def a_malformed_time(parts: Parts) -> str:
    parts.config["Labels"]["org.opencontainers.image.created"] = "yesterday"
    return "image.created"


@near_miss("manifest.labels")
def a_time_with_a_space(parts: Parts) -> None:
    parts.config["Labels"]["org.opencontainers.image.created"] = "2026-01-02 03:04:05+00:00"
    parts.config["Labels"]["maintainer"] = "???"


@fault("manifest.attestations")
def no_sbom(parts: Parts) -> str:
    del parts.attached[0]
    return "sbom"


@fault("manifest.attestations", source="digest")
def nothing_attached_in_a_registry(parts: Parts) -> str:
    parts.attached = []
    return "provenance"


@near_miss("manifest.attestations")
def cyclonedx_and_vex(parts: Parts) -> None:
    parts.attached = ["https://cyclonedx.org/bom", "https://slsa.dev/provenance/v0.2", "https://openvex.dev/ns/v0.2.0"]


@fault("manifest.layers")
def a_name_with_dots(parts: Parts) -> str:
    parts.add(Item("opt/../../etc/cron.d/job", b"x"))
    return ".."


@fault("manifest.layers")
def a_hard_link_to_nothing(parts: Parts) -> str:
    parts.add(Item.hardlink("opt/link", "opt/nothing-there"))
    return "opt/link"


@fault("manifest.layers")
def a_bare_whiteout(parts: Parts) -> str:
    parts.top(Item("opt/media/.wh.", b""))
    return ".wh."


@near_miss("manifest.layers")
def links_out_of_their_folder(parts: Parts) -> None:
    parts.add(Item("opt/..data/x..y", b"x"), Item.symlink("opt/gone", "../../nothing"))


@near_miss("manifest.layers")
def a_hard_link_to_a_file(parts: Parts) -> None:
    parts.add(Item("opt/one", b"one"), Item.hardlink("opt/two", "opt/one"))


@fault("manifest.parity")
def another_label_on_arm(parts: Parts) -> str:
    def other(arm: Parts) -> None:
        arm.config["Labels"]["org.opencontainers.image.version"] = "6.0"

    parts.config["Labels"]["org.opencontainers.image.version"] = "6.1"
    parts.other = other
    return "version"


@fault("manifest.parity")
def another_entry_point_on_arm(parts: Parts) -> str:
    parts.other = lambda arm: arm.config.update(Entrypoint=["/usr/bin/ffmpeg"])
    return "ntry"


@fault("manifest.parity")
def twice_the_bytes_on_arm(parts: Parts) -> str:
    parts.other = lambda arm: arm.top(Item("opt/noise", arm.chance.randbytes(9_000_000)))
    return "arm64"


@near_miss("manifest.parity")
def names_of_machines(parts: Parts) -> None:
    def other(arm: Parts) -> None:
        arm.set_env("BUILD_TRIPLET", "aarch64-linux-gnu")
        arm.config["Labels"]["org.opencontainers.image.created"] = "2026-01-02T05:04:05Z"

    parts.set_env("BUILD_TRIPLET", "x86_64-linux-gnu")
    parts.other = other


@fault("manifest.runtime-floor", also=("layers.count",))
def too_many_layers(parts: Parts) -> str:
    for number in range(126):
        parts.steps.append(Step(f"COPY {number} /opt/", [Item(f"opt/{number}", b"x")]))
    return "12"


@fault("manifest.runtime-floor", also=("layers.count",))
def one_layer_too_many(parts: Parts) -> str:
    for number in range(126 - len(parts.steps)):
        parts.steps.append(Step(f"RUN touch {number}", [Item(f"opt/{number}", b"x")]))
    return "126"


@near_miss("manifest.runtime-floor", also=("layers.count",))
def exactly_the_layers_of_docker(parts: Parts) -> None:
    for number in range(125 - len(parts.steps)):
        parts.steps.append(Step(f"RUN touch {number}", [Item(f"opt/{number}", b"x")]))


@fault("config.user")
def root(parts: Parts) -> str:
    parts.config["User"] = parts.chance.choice(("", "0", "root", "0:0"))
    return "root"


@fault("config.user")
def nobody_knows(parts: Parts) -> str:
    parts.config["User"] = "transcoder"
    return "transcoder"


@near_miss("config.user")
def a_number_without_an_account(parts: Parts) -> None:
    parts.config["User"] = "65532"


@fault("config.env")
def no_video(parts: Parts) -> str:
    parts.set_env("NVIDIA_DRIVER_CAPABILITIES", "compute,utility")
    return "NVIDIA_DRIVER_CAPABILITIES"


@fault("config.env", also=("hardware.reachable",))
def a_driver_that_is_not_there(parts: Parts) -> str:
    parts.set_env("LIBVA_DRIVER_NAME", "iHD")
    return "LIBVA_DRIVER_NAME"


@fault("config.env")
def an_empty_part_of_the_path(parts: Parts) -> str:
    parts.set_env("LD_LIBRARY_PATH", ":/usr/lib/x86_64-linux-gnu")
    return "LD_LIBRARY_PATH"


@near_miss("config.env")
def what_the_host_brings(parts: Parts) -> None:
    parts.set_env("LD_LIBRARY_PATH", "/usr/local/nvidia/lib:/usr/local/nvidia/lib64")
    parts.set_env("NVIDIA_DRIVER_CAPABILITIES", "all")
    parts.set_env("LIBVA_DRIVER_NAME", "i965")


@fault("config.entrypoint")
def a_program_that_is_not_there(parts: Parts) -> str:
    parts.config["Entrypoint"] = ["/app/start"]
    return "/app/start"


@fault("config.entrypoint")
def line_ends_of_windows(parts: Parts) -> str:
    parts.replace("app/encode", Item("app/encode", b'#!/bin/sh\r\nexec ffmpeg "$@"\r\n', mode=0o755))
    return "app/encode"


@fault("config.entrypoint")
def nobody_may_execute(parts: Parts) -> str:
    parts.replace("app/encode", Item("app/encode", b'#!/bin/sh\nexec ffmpeg "$@"\n', mode=0o644))
    return "app/encode"


@near_miss("config.entrypoint")
def found_on_the_path_by_a_link(parts: Parts) -> None:
    parts.add(Item.symlink("usr/bin/encode", "../../app/encode"))
    parts.config["Entrypoint"] = ["encode"]


@fault("config.secrets")
def a_token_in_the_environment(parts: Parts) -> str:
    parts.set_env("SETUP", SECRET)
    return "SETUP"


@fault("config.secrets")
def a_build_argument(parts: Parts) -> str:
    parts.steps[2].created_by = f"RUN |1 WORD={SECRET} /bin/sh -c make install"
    return ""


@fault("config.secrets")
def a_password_in_a_label(parts: Parts) -> str:
    parts.config["Labels"]["build.from"] = "https://builder:q7Kd92mVx1@git.corp-media.net/ffmpeg.git"
    return "build.from"


@near_miss("config.secrets")
def what_stands_in_for_secrets(parts: Parts) -> None:
    parts.set_env("GPG_KEY", "A035C8C19219BA821ECEA86B64E628F8D684696D")
    parts.set_env("DEPLOY_TOKEN_FILE", "/run/secrets/token")
    parts.set_env("API_PASSWORD", "changeme")
    parts.empty_steps = [(1, "ENV DATABASE=postgres://media:${PASSWORD}@db/media")]
