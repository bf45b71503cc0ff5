"""Libraries that the host's NVIDIA driver brings: the container toolkit mounts them when a container starts."""

from __future__ import annotations

HOST_LIBRARIES = frozenset(
    {
        # utility
        "libnvidia-ml",
        "libnvidia-cfg",
        "libnvidia-nscq",
        # compute
        "libcuda",
        "libcudadebugger",
        "libnvidia-opencl",
        "libnvidia-gpucomp",
        "libnvidia-ptxjitcompiler",
        "libnvidia-fatbinaryloader",
        "libnvidia-allocator",
        "libnvidia-compiler",
        "libnvidia-pkcs11",
        "libnvidia-pkcs11-openssl3",
        "libnvidia-nvvm",
        "libnvidia-tileiras",
        # video
        "libvdpau_nvidia",
        "libnvidia-encode",
        "libnvidia-opticalflow",
        "libnvcuvid",
        # graphics
        "libnvidia-eglcore",
        "libnvidia-glcore",
        "libnvidia-tls",
        "libnvidia-glsi",
        "libnvidia-fbc",
        "libnvidia-ifr",
        "libnvidia-rtcore",
        "libnvoptix",
        "libGLX_nvidia",
        "libEGL_nvidia",
        "libGLESv2_nvidia",
        "libGLESv1_CM_nvidia",
        "libnvidia-glvkspirv",
        "libnvidia-cbl",
        "libnvidia-ngx",
    }
)
"""Names before `.so`, as libnvidia-container mounts them (its `src/nvc_info.c`): an exact list.

Not among them: `libnvidia-container`, which belongs in an image, `libnvidia-egl-wayland`, which is open source, and
the toolkit's own libraries (`libcudart`, `libnpp`, ...), which an image brings itself.
"""


def is_host_library(name: str) -> bool:
    """Whether a file of this name, such as `libcuda.so.1` or `libcuda.so.550.54.14`, is the host's to bring."""
    base, found, _ = name.rpartition("/")[2].partition(".so")
    return bool(found) and base in HOST_LIBRARIES
