"""Reports of the scanners grype and trivy, read into one model, and the scanners run."""

from .model import Level, Report, ReportedImage, Vulnerability
from .reading import LARGEST, parse_report, read_report
from .scanner import SCANNERS, Scanner, Target, find_scanner

__all__ = [
    "LARGEST",
    "SCANNERS",
    "Level",
    "Report",
    "ReportedImage",
    "Scanner",
    "Target",
    "Vulnerability",
    "find_scanner",
    "parse_report",
    "read_report",
]
