"""Pictures: a history or rates in, matplotlib Axes out. They draw and decide nothing.

Every function draws on `ax=`, or on a new figure that a notebook shows by itself. One file for each
picture: its function, and the class behind it whose `update` returns all artists that can change,
so that a dashboard may redraw only them. `drawing` and `lettering` are what all pictures share.
"""

from capkit.plots.available_picture import available
from capkit.plots.drawing import LOOKS, Panel, classroom, panels
from capkit.plots.harvest_picture import HarvestPicture, harvest
from capkit.plots.ladder_picture import LadderPicture, ladder
from capkit.plots.messages_picture import messages
from capkit.plots.pacelc_picture import PacelcPicture, Spot, pacelc, planes
from capkit.plots.plane_picture import plane
from capkit.plots.quorums_picture import QuorumsPicture, quorums
from capkit.plots.rates_picture import RatesPicture, rates
from capkit.plots.retries_picture import RetriesPicture, retries
from capkit.plots.staleness_picture import StalenessPicture, staleness
from capkit.plots.timeline_picture import TimelinePicture, timeline
from capkit.plots.timelines_picture import timelines
from capkit.plots.tradeoff_picture import TradeoffPicture, tradeoff
from capkit.plots.worlds_picture import worlds

__all__ = [
    "LOOKS",
    "HarvestPicture",
    "LadderPicture",
    "PacelcPicture",
    "Panel",
    "QuorumsPicture",
    "RatesPicture",
    "RetriesPicture",
    "Spot",
    "StalenessPicture",
    "TimelinePicture",
    "TradeoffPicture",
    "available",
    "classroom",
    "harvest",
    "ladder",
    "messages",
    "pacelc",
    "panels",
    "plane",
    "planes",
    "quorums",
    "rates",
    "retries",
    "staleness",
    "timeline",
    "timelines",
    "tradeoff",
    "worlds",
]
