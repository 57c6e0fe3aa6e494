"""The weaker promises below linearizability, from sequential consistency down to convergence.

`rungs` is the ladder of them all. `happened_before` has what an operation can know of others, on
which `sessions` and `causality` judge; `orders` looks for one order of all operations, with what is
`forced` and a search through `interleavings`.
"""
