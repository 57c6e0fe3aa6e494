"""What the clients of a store saw: operations and their outcomes, in columns, files and logs.

`records` has what a history is made of, and `columns` the `History` itself, as columns that judges
and pictures read; `encoding` makes those of what users give. `order` says what came first, and
`equality` which values are equal. `files` and `lines` keep a history as lines of JSON. `jepsen`
reads the logs of Jepsen and its kind, `forms` the forms that they come in, `edn` their notation,
and `nemesis` the faults in them. `stories` are small histories written as text.
"""

from capkit.history.columns import History
from capkit.history.equality import Siblings
from capkit.history.records import Copy, Fault, Message, NodeId, Note, Operation, Outcome
from capkit.history.stories import story

__all__ = [
    "Copy",
    "Fault",
    "History",
    "Message",
    "NodeId",
    "Note",
    "Operation",
    "Outcome",
    "Siblings",
    "story",
]
