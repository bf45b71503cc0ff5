"""The policy: what a team asks of its images, read from `mediaimage.yaml` and the packaged presets."""

from .load import load_policy, load_preset
from .model import Ignore, Policy
from .schema import override

__all__ = ["Ignore", "Policy", "load_policy", "load_preset", "override"]
