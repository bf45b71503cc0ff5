"""What the environment must say so that hardware can be used: for NVIDIA's container toolkit, and for libva."""

from __future__ import annotations

from collections.abc import Iterator

from ...image.tree import Tree
from ...result import Finding, Severity
from ..context import Context

# nvidia-container-toolkit, internal/config/image/capabilities.go: SupportedDriverCapabilities. The hook refuses to
# start a container that asks for another word; `video` mounts libnvidia-encode and libnvcuvid.
_CAPABILITIES = frozenset({"compute", "compat32", "graphics", "utility", "video", "display", "ngx", "all"})
_DEFAULT = "utility,compute"  # the same file: DefaultDriverCapabilities
_VIDEO = frozenset({"video", "all"})
_NVIDIA_OPTIONS = frozenset({"--enable-nvenc", "--enable-nvdec", "--enable-cuvid", "--enable-ffnvcodec"})


def promised(context: Context, *paths: str) -> str | None:
    """The first of these hardware paths that the policy promises."""
    return next((path for path in paths if path in context.policy.transcode_paths), None)


def nvidia(context: Context) -> Iterator[Finding]:
    """NVIDIA_DRIVER_CAPABILITIES and NVIDIA_VISIBLE_DEVICES."""
    env = context.image.config.env
    written = env.get("NVIDIA_DRIVER_CAPABILITIES", "")
    asked = {word.strip() for word in written.split(",") if word.strip()}
    promise = promised(context, "nvenc", "nvdec")
    if unknown := sorted(asked - _CAPABILITIES):
        yield Finding(
            f"NVIDIA_DRIVER_CAPABILITIES holds {unknown[0]!r}, which is no capability: NVIDIA's runtime starts no "
            "such container",
            evidence=f"NVIDIA_DRIVER_CAPABILITIES {unknown[0]}",
            fix="Write NVIDIA_DRIVER_CAPABILITIES=compute,utility,video.",
        )
    elif promise and not asked & _VIDEO and not _is_legacy(context):
        said = f"is {written}" if asked else f"isn't set, and means {_DEFAULT}"
        yield Finding(
            f"{promise} is promised, but NVIDIA_DRIVER_CAPABILITIES {said}: without `video` the libraries of NVENC and "
            "NVDEC aren't mounted",
            evidence="NVIDIA_DRIVER_CAPABILITIES without video",
            fix="Write `ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility,video` in the Dockerfile.",
        )
    elif asked and not asked & _VIDEO and (tool := _ffmpeg_for_nvidia(context)):
        yield Finding(
            f"{tool} is built for NVENC or NVDEC, but NVIDIA_DRIVER_CAPABILITIES is {written}: without `video` their "
            "libraries aren't mounted",
            severity=Severity.WARNING,
            file=tool,
            evidence="NVIDIA_DRIVER_CAPABILITIES without video",
            fix="Write `ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility,video` in the Dockerfile.",
        )
    if promise and env.get("NVIDIA_VISIBLE_DEVICES", "") in ("", "void") and not _is_legacy(context):
        yield Finding(
            f"{promise} is promised, and NVIDIA_VISIBLE_DEVICES names no device: the container gets a GPU only from "
            "`--gpus` or from Kubernetes' device plugin",
            severity=Severity.NOTE,
            evidence="NVIDIA_VISIBLE_DEVICES",
            fix="Ask for the GPU where the image is deployed, or write `ENV NVIDIA_VISIBLE_DEVICES=all`.",
        )


def _is_legacy(context: Context) -> bool:
    """An image of CUDA 9 or older, which gets everything where nothing is said (toolkit: CUDA.IsLegacy)."""
    env = context.image.config.env
    return "CUDA_VERSION" in env and "NVIDIA_REQUIRE_CUDA" not in env and "NVIDIA_DRIVER_CAPABILITIES" not in env


def _ffmpeg_for_nvidia(context: Context) -> str | None:
    """A visible FFmpeg that was configured for it by name, and so didn't just find the headers."""
    for file in context.subject.ffmpeg_files:
        if file.visible and _NVIDIA_OPTIONS & set((file.identity.configuration or "").split()):
            return file.path
    return None


def va_api(context: Context) -> Iterator[Finding]:
    """LIBVA_DRIVERS_PATH and LIBVA_DRIVER_NAME: libva opens FOLDER/NAME_drv_video.so (va/va.c, va_openDriver)."""
    tree, env = context.image.tree, context.image.config.env
    promise = promised(context, "vaapi", "qsv")
    severity = None if promise else Severity.WARNING
    because = f", and {promise} is promised" if promise else ""
    folders = [folder for folder in env.get("LIBVA_DRIVERS_PATH", "").split(":") if folder]
    there = [folder for folder in folders if tree.resolve(folder) is not None]
    if folders and not any(_holds_driver(tree, folder) for folder in there):
        lacks = "which holds no driver" if there else "which isn't in the image"
        yield Finding(
            f"LIBVA_DRIVERS_PATH is {':'.join(folders)}, {lacks}{because}",
            severity=severity,
            file=folders[0],
            evidence="LIBVA_DRIVERS_PATH",
            fix="Name the folder that holds the *_drv_video.so files, or leave the variable out: libva knows its own.",
        )
        return
    name = env.get("LIBVA_DRIVER_NAME", "")
    file = f"{name}_drv_video.so"
    if not name or any(tree.resolve(f"{folder}/{file}") for folder in there):
        return
    if folders or not any(node.path.endswith(f"/{file}") for node in tree):
        place = "LIBVA_DRIVERS_PATH" if folders else "the image"
        yield Finding(
            f"LIBVA_DRIVER_NAME is {name}, but there is no {file} in {place}{because}",
            severity=severity,
            evidence=f"LIBVA_DRIVER_NAME {name}",
            fix="Install the driver (iHD is in intel-media-va-driver, radeonsi in mesa-va-drivers), or don't set it.",
        )


def _holds_driver(tree: Tree, folder: str) -> bool:
    node = tree.resolve(folder)
    return node is not None and any(
        other.path.endswith("_drv_video.so") and other.path.rpartition("/")[0] == node.path for other in tree
    )
