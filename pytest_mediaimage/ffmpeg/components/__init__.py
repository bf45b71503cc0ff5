"""Which libraries an FFmpeg build holds or links to, each with its evidence: `find_components`."""

from .matcher import combine_components, configured_components, find_components
from .model import Component, Demand, Row

__all__ = ["Component", "Demand", "Row", "combine_components", "configured_components", "find_components"]
