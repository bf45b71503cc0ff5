"""What pools, holders and the press say of patents on codecs, with date and source; facts, never advice."""

from .model import CONFIDENCES, USES, Codec, Exposure, Kind, PatentData, Statement
from .names import Implementation, implementation_of
from .rows import BUILT_IN, built_in, parse_codec, parse_day

__all__ = [
    "BUILT_IN",
    "CONFIDENCES",
    "USES",
    "Codec",
    "Exposure",
    "Implementation",
    "Kind",
    "PatentData",
    "Statement",
    "built_in",
    "implementation_of",
    "parse_codec",
    "parse_day",
]
