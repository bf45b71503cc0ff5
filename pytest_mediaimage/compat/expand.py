"""Variables in structure tests, replaced as Go's os.Expand does it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .structure import Pair

# What os.Expand takes for a name: one sign, what stands in braces, or a word. Braces with nothing in them, and one
# that isn't closed, vanish.
_VARIABLE = re.compile(r"\$(?:\{([^}]*)\}|(\{)|([*#$@!?0-9-])|([A-Za-z0-9_]+))")


def expand(text: str, env: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` by `env`; what isn't there becomes nothing, `$1` in a script as well."""

    def value(match: re.Match[str]) -> str:
        return env.get(match[1] or match[3] or match[4] or "", "")

    return _VARIABLE.sub(value, text)


def global_env(pairs: Iterable[Pair], env: Mapping[str, str]) -> dict[str, str]:
    """Variables with their values expanded by the image's own."""
    return {pair.key: expand(pair.value, env) for pair in pairs}
