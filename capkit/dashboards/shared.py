"""What dashboards of lost requests and of quorums share: a limit, a hint, and rates in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from capkit.tradeoff import Rates

LOSS = "chance that one request to one node is lost"


def limit_quorums(controls: Mapping[str, Any]) -> None:
    """Keep R and W from being more than N."""
    for name in ("r", "w"):
        controls[name].max = controls["n"].value


def in_words(rates: Rates) -> str:
    """The three rates as the end of a sentence."""
    words = f"{rates.put_ok:.3f} of puts are acknowledged, {rates.get_ok:.3f} of gets answered, "
    if np.isnan(rates.fresh):
        return words + "and nothing is left to be fresh."
    return words + f"and {rates.fresh:.3f} of those gets are fresh."
