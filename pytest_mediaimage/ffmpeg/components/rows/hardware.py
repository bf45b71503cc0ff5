"""Hardware: what is linked or compiled in for it. Drivers belong to the machine and aren't in a build."""

from __future__ import annotations

from ..model import Demand, Row

_CUDA = "LicenseRef-NVIDIA-CUDA-EULA"

ROWS = (
    Row(
        "ffnvcodec", "nv-codec-headers", "MIT", opened=True, aliases=("nvenc", "nvdec", "cuvid"),
        parts=(
            "encoder:h264_nvenc", "encoder:hevc_nvenc", "encoder:av1_nvenc", "decoder:h264_cuvid",
            "decoder:hevc_cuvid",
        ),
        purl="pkg:github/FFmpeg/nv-codec-headers", note="Found by configure without a flag.",
    ),
    Row(
        "cuda_nvcc", "CUDA compiler", _CUDA, Demand.NONFREE, purl="pkg:generic/cuda-nvcc",
        note="Code that nvcc compiled for FFmpeg's CUDA filters; --enable-cuda-llvm does the same without it.",
    ),
    Row(
        "cuda_sdk", "CUDA SDK", _CUDA, Demand.NONFREE, purl="pkg:generic/cuda-sdk",
        note="cuda_nvcc's name before 4.2.",
    ),
    Row(
        "libnpp", "NVIDIA Performance Primitives", _CUDA, Demand.NONFREE,
        sonames=("libnppig", "libnppicc", "libnppidei", "libnppc"),
        parts=("filter:scale_npp", "filter:scale2ref_npp", "filter:transpose_npp", "filter:sharpen_npp"),
        purl="pkg:generic/libnpp",
    ),
    Row(
        "libmfx", "Intel Media SDK dispatcher", "MIT", sonames=("libmfx",),
        purl="pkg:github/Intel-Media-SDK/MediaSDK", product="intel:media_sdk",
    ),
    Row(
        "libvpl", "libvpl", "MIT", texts=(b"MFX11make_dlopen", b"ONEVPL_DISPATCHER_LOG"), symbols=("MFXLoad",),
        sonames=("libvpl",),
        purl="pkg:github/intel/libvpl", product="intel:onevpl",
    ),
    Row(
        "amf", "AMF headers", "MIT", opened=True, parts=("encoder:h264_amf", "encoder:hevc_amf", "encoder:av1_amf"),
        purl="pkg:github/GPUOpen-LibrariesAndSDKs/AMF", note="Found by configure without a flag.",
    ),
    Row("vaapi", "libva", "MIT", sonames=("libva",), purl="pkg:github/intel/libva"),
    Row("vdpau", "libvdpau", "MIT", sonames=("libvdpau",), purl="pkg:generic/libvdpau"),
    Row("libdrm", "libdrm", "MIT", sonames=("libdrm",), purl="pkg:generic/libdrm"),
    Row(
        "opencl", "OpenCL ICD loader", "Apache-2.0", sonames=("libOpenCL",),
        purl="pkg:github/KhronosGroup/OpenCL-ICD-Loader",
    ),
    Row(
        "vulkan", "Vulkan headers", "Apache-2.0 OR MIT", opened=True, parts=("filter:scale_vulkan",),
        purl="pkg:github/KhronosGroup/Vulkan-Headers",
    ),
    Row(
        "rkmpp", "Rockchip MPP", "Apache-2.0", Demand.VERSION3, sonames=("librockchip_mpp",),
        parts=("decoder:h264_rkmpp", "decoder:hevc_rkmpp", "encoder:h264_rkmpp"), purl="pkg:generic/rkmpp",
    ),
    Row(
        "rkrga", "Rockchip RGA", "Apache-2.0", sonames=("librga",), parts=("filter:scale_rkrga",),
        purl="pkg:generic/rkrga",
    ),
    Row(
        "decklink", "DeckLink SDK", "LicenseRef-Blackmagic-DeckLink-SDK", Demand.NOT_GPL, opened=True,
        parts=("demuxer:decklink", "muxer:decklink"), purl="pkg:generic/decklink-sdk",
    ),
    Row("libklvanc", "libklvanc", "LGPL-2.1-or-later", sonames=("libklvanc",), purl="pkg:github/stoth68000/libklvanc"),
)  # fmt: skip
