"""The dashboards of the lessons: one function each, which a notebook's cell calls.

One file for each dashboard. `dashboard` is what they share: controls, one picture that is redrawn
in place, and one sentence (`sentence`). `still` is what a reader without a kernel sees, and
`prediction` asks for a guess before the result.
"""

from capkit.dashboards.functions import failure, interval, partition, quorum, tradeoff
from capkit.dashboards.prediction import predict
from capkit.dashboards.staleness_dashboard import staleness
from capkit.dashboards.system_dashboard import system

__all__ = [
    "failure",
    "interval",
    "partition",
    "predict",
    "quorum",
    "staleness",
    "system",
    "tradeoff",
]
