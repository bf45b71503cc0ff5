"""What FFmpeg's words mean when a hardware path doesn't work.

A line is only looked for where its backend is probed: the same words come from backends that FFmpeg merely tries. The
words are those of libavutil's hwcontext_*.c, libavcodec's nvenc.c, vaapi_*.c, qsv*.c and vulkan_*.c, and of fftools, in
FFmpeg 5.1 to 9.0.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What became of a hardware path."""

    PROVEN = "proven"
    SOFTWARE = "software fallback"
    BROKEN = "broken"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`meaning` completes "it doesn't work: ...". `words` is the line of FFmpeg's that it rests on.

    `of_codec` says that another codec may well work.
    """

    verdict: Verdict
    meaning: str
    fix: str
    words: str = ""
    of_codec: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    backends: str
    pattern: str
    meaning: str
    fix: str
    verdict: Verdict = Verdict.BROKEN
    of_codec: bool = False


_LOST = "Take the machine out of work, and look at the kernel's log (dmesg): "
_SETUP = "Look at the whole output by hand, with -v debug."
_VIDEO = "Write ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility,video, and start with --gpus all."
_CODECS = "Take a driver that is built with the patented codecs (Debian's Mesa, not Fedora's), or another codec."
_OTHER = "Run it on a card that can, or take another codec."
_VULKAN_CODECS = "Update the driver; older Mesa wants RADV_PERFTEST=video_decode (AMD), ANV_DEBUG=video-decode (Intel)."

# The first that matches counts: a cause stands before what follows from it.
_TABLE = (
    _Entry("cuda", r"not support the required nvenc API version\. Required: (?P<asked>\S+) Found: (?P<has>\S+)",
           "the host's driver is too old for this image: NVENC {asked} is asked for, the driver has {has}",
           "Update the NVIDIA driver, or build FFmpeg with older nv-codec-headers: see hardware.driver-floor."),
    _Entry("cuda", r"OpenEncodeSessionEx failed: unsupported device \(2\)",
           "this NVIDIA card has no NVENC (as A100 and H100), or the session is on another card",
           "Run the encode on a card with NVENC; with several cards name one with -gpu.", Verdict.ABSENT),
    _Entry("cuda", r"OpenEncodeSessionEx failed: out of memory \(10\)",
           "no more encode sessions: the card's limit is reached, or its memory is full",
           "End other encodes on this card (nvidia-smi), or raise the limit by a newer driver."),
    _Entry("cuda", r"Cannot load libnvidia-encode\.so\.1|Cannot load libnvcuvid\.so\.1",
           "the libraries of NVENC and NVDEC weren't mounted: the driver capability `video` is missing", _VIDEO),
    _Entry("cuda", r"Failed to initialize NVML: Unknown Error",
           "the container lost its rights to the card (the host ran `systemctl daemon-reload`)",
           "Start the container anew; use CDI, or cgroupfs instead of systemd's cgroups."),
    _Entry("cuda", r"CUDA_ERROR_NO_DEVICE", "the driver is there, but no device node", "Start with --gpus all."),
    _Entry("cuda", r"CUDA_ERROR_INVALID_DEVICE", "there is no card of that number", "Mend -gpu or -hwaccel_device."),
    _Entry("cuda", r"CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE|CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
           "the image's own libcuda doesn't fit the host's driver", "Take the `compat` libraries out of the image."),
    _Entry("cuda", r"Cannot load libcuda\.so\.1",
           "there is no NVIDIA runtime: the host's driver wasn't brought into the container",
           "Start with --gpus all on a host with the NVIDIA container toolkit; a static FFmpeg can't load it at all."),
    _Entry("cuda", r"\] Codec not supported",
           "the card can't do this codec", _OTHER, Verdict.ABSENT, True),
    _Entry("cuda", r"\] 10 bit encode not supported",
           "the card can't encode ten bits", "Run it on a card that can.", Verdict.ABSENT, True),
    _Entry("cuda", r"OpenEncodeSessionEx failed: (?P<why>[^\n]*)",
           "NVENC opens no session: {why}", "Look at nvidia-smi, and at the kernel's log (dmesg, `Xid`)."),
    _Entry("qsv", r"Error creating a MFX session: -9|-1313558101|Error initializing an MFX session",
           "the runtime of Quick Sync is missing in the image",
           "Install libmfx-gen1.2 (Gen12 and newer), or libmfx1 (before)."),
    _Entry("vaapi qsv", r"Failed to initialise VAAPI connection: (?P<code>-?\d+)|_drv_video\.so init failed"
           r"|vaGetDriverNameByIndex\(\) failed|va_openDriver\(\) returns",
           "VA-API's driver for this card is missing in the image, or doesn't fit libva",
           "Install the card's driver: intel-media-va-driver (Intel), mesa-va-drivers (AMD); see hardware.reachable."),
    _Entry("vaapi qsv", r"Failed to open \S+ as DRM device node|No VA display found for device"
           r"|Cannot open DRM render node|No available render device",
           "the render node isn't in the container, or its user may not open it",
           "Start with --device /dev/dri/renderD128 --group-add with the number of the node's group."),
    _Entry("vaapi qsv", r"Cannot open a VA display from DRM device",
           "libva opens no display on the node: it isn't a card's render node, or its driver in the kernel is no DRM",
           "Name a render node of a card (ls -l /dev/dri/by-path)."),
    _Entry("vaapi qsv", r"No usable encoding (?:profile|entrypoint) found|No usable encoding entrypoint",
           "the driver offers no encoder for this codec: the card has none, or its codecs were left out", _CODECS,
           of_codec=True),
    _Entry("qsv", r"Error initializing the encoder: unsupported|encoding parameters are not supported by the QSV",
           "Quick Sync doesn't take this codec with these settings: the card has no encoder for it",
           "Run it on a card that has, or take another codec.", of_codec=True),
    _Entry("cuda", r"EncodePicture failed!(?:: (?P<why>[^\n]*))?|Failed (?:un)?locking bitstream buffer"
           r"|CUDA_ERROR_(?:LAUNCH_FAILED|ECC_UNCORRECTABLE|DEVICE_UNAVAILABLE|ILLEGAL_ADDRESS|LAUNCH_TIMEOUT)",
           "the card stopped in the middle of the work", _LOST + "`Xid 79` is a card that fell off the bus."),
    _Entry("qsv", r"(?:device lost|device failed|GPU Hang|unknown error) \(-(?:13|17|21)\)",
           "the card stopped in the middle of the work", _LOST + "`GPU HANG` or `Resetting`."),
    _Entry("vaapi qsv", r"Failed to (?:end picture (?:en|de)code (?:issue|after error)"
           r"|sync (?:to \S+ (?:buffer )?completion|surface)|map output buffers)",
           "the card, or its driver, stopped in the middle of the work", _LOST + "`GPU HANG`, `ring ... timeout`."),
    _Entry("vulkan cuda vaapi qsv", r"VK_ERROR_DEVICE_LOST",
           "the card stopped in the middle of the work", _LOST + "`GPU HANG`, `ring ... timeout`, `Xid`."),
    _Entry("cuda", r"Hardware is lacking required capabilities|Codec \S+ is not supported( with this chroma format)?\."
           r"|Bit depth \d+ (with this chroma format )?is not supported|No decoder surfaces left",
           "the card has no decoder for this codec, or none for its bit depth", _OTHER, Verdict.ABSENT, True),
    _Entry("qsv", r"Error initializing the MFX video decoder: unsupported|Error decoding stream header: unsupported",
           "the card has no decoder for this codec, or none for its bit depth", _OTHER, of_codec=True),
    _Entry("vaapi qsv cuda vulkan", r"profile -?\d+ not supported for hardware decode"
           r"|Decoding of \S+ is not supported by this device",
           "the driver offers no decoder for this codec: the card has none, or its codecs were left out", _CODECS,
           of_codec=True),
    _Entry("vulkan", r"Device \d+ selected: (?P<name>[^\n]*?) \(software\)",
           "Vulkan's device is {name}, a renderer that runs on the processor",
           "Give the container the render node, and the image the card's Vulkan driver.", Verdict.SOFTWARE),
    _Entry("vulkan", r"Device does not support the (?P<name>VK_KHR_video_\w+)",
           "the Vulkan device has no {name}", _VULKAN_CODECS),
    _Entry("vulkan", r"VK_ERROR_INCOMPATIBLE_DRIVER|No devices found|VK_ERROR_INITIALIZATION_FAILED",
           "Vulkan finds no driver in the image",
           "Install mesa-vulkan-drivers, or let the NVIDIA container toolkit bring its own (capability `graphics`)."),
    _Entry("cuda vaapi qsv vulkan", r"Failed setup for format (?:cuda|vaapi|qsv|vulkan): hwaccel initialisation",
           "the decoder couldn't be set up on the device, and FFmpeg went on in software", _SETUP, Verdict.SOFTWARE),
    _Entry("cuda vaapi qsv vulkan", r"Impossible to convert between the formats",
           "the frames weren't on the device: FFmpeg decoded in software", _SETUP, Verdict.SOFTWARE),
    _Entry("cuda vaapi qsv vulkan", r"Unknown (?:en|de)coder '|Unrecognized hwaccel|Unrecognized option '",
           "FFmpeg was built without it", "Build FFmpeg with it: see hardware.reachable."),
    _Entry("cuda vaapi qsv vulkan", r"Device creation failed: -12\b", "FFmpeg was built without this kind of device",
           "Build FFmpeg with it: see hardware.reachable."),  # ENOMEM, from av_hwdevice_ctx_alloc
    _Entry("cuda vaapi qsv vulkan", r"Device creation failed: (?P<code>-\d+)",
           "no device could be made (error {code}); FFmpeg gives no reason", _SETUP),
)  # fmt: skip

_SOFTWARE_RENDERER = re.compile(r"llvmpipe|lavapipe|softpipe|swrast|SwiftShader|\(software\)", re.IGNORECASE)


def diagnose(backend: str, log: str) -> Diagnosis | None:
    """What the words in `log` mean for `backend` (`cuda`, `vaapi`, `qsv`, `vulkan`); None: none is known."""
    for entry in _TABLE:
        if backend not in entry.backends.split():
            continue
        match = re.search(entry.pattern, log)
        if match:
            named = {name: value or "" for name, value in match.groupdict().items()}
            words = _line(log, match.start())
            return Diagnosis(entry.verdict, entry.meaning.format(**named), entry.fix, words, entry.of_codec)
    return None


def software_device(log: str) -> str | None:
    """The line that says a renderer on the processor took the device's place."""
    for match in re.finditer(r"^.*(?:Device \d+ selected|Using device): .*$", log, re.MULTILINE):
        if _SOFTWARE_RENDERER.search(match[0]):
            return match[0].strip()
    return None


def _line(log: str, at: int) -> str:
    begin = log.rfind("\n", 0, at) + 1
    end = log.find("\n", at)
    line = log[begin : end if end >= 0 else len(log)].strip()
    return re.sub(r" @ 0x[0-9a-f]+", "", line)[:200]
