"""What the clients of a store saw: operations and their outcomes, in columns, files and logs.

`records` has what a history is made of, one line of JSON each; `columns` the `History` itself, as
columns that judges and pictures read; `jepsen` reads the logs of Jepsen and its kind.
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
