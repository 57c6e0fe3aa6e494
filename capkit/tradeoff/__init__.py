"""Availability against consistency: formulas, a simulation that agrees with them, and sweeps.

`formulas` are exact, `rates` counts what a simulation drew, and `sweeps` spreads a simulation over
many points and as many cores as an executor has.
"""

from capkit.tradeoff.formulas import (
    cut_limit,
    during_cut,
    exact,
    primary,
    quorum_overlap,
    simulate,
    worse_side,
    worse_side_limit,
)
from capkit.tradeoff.rates import Rates, wilson
from capkit.tradeoff.sweeps import sweep

__all__ = [
    "Rates",
    "cut_limit",
    "during_cut",
    "exact",
    "primary",
    "quorum_overlap",
    "simulate",
    "sweep",
    "wilson",
    "worse_side",
    "worse_side_limit",
]
