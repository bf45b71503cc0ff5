"""What an image is made of: syft's packages and FFmpeg builds in one CycloneDX BOM; and what other SBOMs say."""

from .bom import Sbom, merge
from .builds import FoundBuild, release_number
from .coverage import names_ffmpeg
from .document import Document, InvalidSbom, Package
from .reading import read_document
from .syft import SyftRun, find_syft, load_bom

__all__ = [
    "Document",
    "FoundBuild",
    "InvalidSbom",
    "Package",
    "Sbom",
    "SyftRun",
    "find_syft",
    "load_bom",
    "merge",
    "names_ffmpeg",
    "read_document",
    "release_number",
]
