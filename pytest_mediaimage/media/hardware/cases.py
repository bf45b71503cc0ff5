"""A packaged case on a hardware path: its recipe with the path's encoder, held to software at the same size."""

from __future__ import annotations

from dataclasses import replace

from ..case import Case, Needs, Rule
from ..rules.hardware import BesideSoftware, OnDevice
from ..rules.pictures import Pictures
from ..rules.sizes import BitRate, VideoBytes
from .encoders import Encoder, on_device, software_of
from .paths import Probe


def on_path(case: Case, codec: str, encoder: Encoder, device: str = "") -> Case:
    """The case with its encoder replaced by one that uses the node `device`."""
    recipe = on_device(case.recipe, encoder)
    signed = encoder.name if encoder.listed else ""
    probe = Probe("encode" if encoder.listed else "own", recipe.argv, case.outputs[0], encoder.proof, encoder=signed)
    rules: list[Rule] = [OnDevice(probe)]
    for rule in case.rules:
        if isinstance(rule, Pictures):
            rules.append(BesideSoftware(codec))
        elif not isinstance(rule, (VideoBytes, BitRate)):
            rules.append(rule)
    return replace(case, recipe=recipe, rules=tuple(rules), needs=_needs(case, encoder), device=device)


def _needs(case: Case, encoder: Encoder) -> Needs:
    software = software_of(case.recipe)
    others = tuple(name for name in case.needs.encoders if name != software)
    upload = ("hwupload",) if "hwupload" in encoder.filters else ()
    return replace(
        case.needs,
        encoders=(*((encoder.name,) if encoder.listed else ()), *others),
        filters=(*case.needs.filters, *upload),
        pix_fmts=(),
    )
