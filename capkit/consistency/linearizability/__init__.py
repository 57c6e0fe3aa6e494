"""Does it look like one copy that does one thing at a time? The judges of linearizability.

Registers whose written values are distinct are judged by their `zones`, in O(n log n); everything
else by a `search` over `configurations`, for any of the `models`. `registers` and `objects` turn a
history into what the search understands.
"""
