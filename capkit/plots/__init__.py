"""Pictures: a history or rates in, matplotlib Axes out. They draw and decide nothing.

Every function draws on `ax=`, or on a new figure that a notebook shows by itself. One file for each
picture: its function, and the class behind it whose `update` returns all artists that can change,
so that a dashboard may redraw only them. `drawing` and `lettering` are what all pictures share.
"""

from capkit.plots.drawing import LOOKS, Panel, classroom, panels
from capkit.plots.ladder_picture import LadderPicture, ladder
from capkit.plots.messages_picture import messages
from capkit.plots.plane_picture import plane
from capkit.plots.quorums_picture import QuorumsPicture, quorums
from capkit.plots.rates_picture import RatesPicture, rates
from capkit.plots.staleness_picture import StalenessPicture, staleness
from capkit.plots.timeline_picture import TimelinePicture, timeline
from capkit.plots.timelines_picture import timelines
from capkit.plots.tradeoff_picture import TradeoffPicture, tradeoff
from capkit.plots.worlds_picture import worlds

__all__ = [
    "LOOKS",
    "LadderPicture",
    "Panel",
    "QuorumsPicture",
    "RatesPicture",
    "StalenessPicture",
    "TimelinePicture",
    "TradeoffPicture",
    "classroom",
    "ladder",
    "messages",
    "panels",
    "plane",
    "quorums",
    "rates",
    "staleness",
    "timeline",
    "timelines",
    "tradeoff",
    "worlds",
]
