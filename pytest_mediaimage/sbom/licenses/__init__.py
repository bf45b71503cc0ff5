"""Licences: SPDX expressions, and what distributions' packages say of theirs."""

from .alpine import alpine_license
from .debian import read_copyright
from .expression import Expression, InvalidExpression
from .package import PackageLicense

__all__ = ["Expression", "InvalidExpression", "PackageLicense", "alpine_license", "read_copyright"]
