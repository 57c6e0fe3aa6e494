"""Does it look like one copy that does one thing at a time? The judges of linearizability.

`one_copy` has the judge that users call, and `models` what may be judged. `registers` whose written
values are distinct are judged by their `zones`, in O(n log n); everything else by a `search` over
`configurations`. `objects` turns a history into what the search understands, `shortcuts` are what
the models of this project know of themselves, and `witnesses` shows why there is no order.
"""
