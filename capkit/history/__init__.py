"""What the clients of a store saw: operations and their outcomes, in columns, files and logs.

`records` has what a history is made of, one line of JSON each; `columns` the `History` itself, as
columns that judges and pictures read. `order` says what came first, and `equality` which values are
equal. `files` and `encoding` keep a history as JSON. `jepsen` reads the logs of Jepsen and its kind:
`lines` takes them apart, `edn` reads their notation, and `nemesis` makes faults of what they tell.
"""

from capkit.history.columns import History
from capkit.history.equality import Siblings
from capkit.history.records import Copy, Fault, Message, NodeId, Note, Operation, Outcome

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
]
