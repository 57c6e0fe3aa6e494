"""The dashboards of the lessons: one function each, which a notebook's cell calls.

One file for each dashboard. `dashboard` is what each is: controls, one picture that is redrawn in
place, and one sentence (`sentence`). `still` is what a reader without a kernel sees, and
`prediction` asks for a guess before the result. `network` is a film: `film` has all that it shows
and the JavaScript that plays it.
"""

from capkit.dashboards.adversary_dashboard import adversary
from capkit.dashboards.failure_dashboard import failure
from capkit.dashboards.harvest_dashboard import harvest
from capkit.dashboards.interval_dashboard import interval
from capkit.dashboards.network_dashboard import network
from capkit.dashboards.pacelc_dashboard import pacelc
from capkit.dashboards.partition_dashboard import partition
from capkit.dashboards.prediction import predict
from capkit.dashboards.quorum_dashboard import quorum
from capkit.dashboards.retries_dashboard import retries
from capkit.dashboards.staleness_dashboard import staleness
from capkit.dashboards.system_dashboard import system
from capkit.dashboards.tradeoff_dashboard import tradeoff

__all__ = [
    "adversary",
    "failure",
    "harvest",
    "interval",
    "network",
    "pacelc",
    "partition",
    "predict",
    "quorum",
    "retries",
    "staleness",
    "system",
    "tradeoff",
]
