"""Availability against consistency: formulas, a simulation that agrees with them, and sweeps.

`formulas` are exact, `rates` counts what a simulation drew, and `sweeps` spreads a simulation over
many points and as many cores as an executor has. Beyond CAP: `waiting` is what consistency costs
while nothing is cut, `shards` gives answers in part, and `asking_again` pays twice.
"""

from capkit.tradeoff.asking_again import Paid, retries, simulate_retries
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
from capkit.tradeoff.shards import Answered, harvest
from capkit.tradeoff.sweeps import sweep
from capkit.tradeoff.waiting import Calm, calm

__all__ = [
    "Answered",
    "Calm",
    "Paid",
    "Rates",
    "calm",
    "cut_limit",
    "during_cut",
    "exact",
    "harvest",
    "primary",
    "quorum_overlap",
    "retries",
    "simulate",
    "simulate_retries",
    "sweep",
    "wilson",
    "worse_side",
    "worse_side_limit",
]
