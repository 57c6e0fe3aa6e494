"""Does it look like one copy that does one thing at a time? The judges of linearizability.

Registers whose written values are distinct are judged by their `zones`, in O(n log n); everything
else by a `search` over `configurations`, for any of the `models`. `objects` turns a history into
what the search understands, and `shortcuts` are what the models of this project know of themselves.
"""
