"""The theorem as a program, and the smallest schedule that breaks a store.

`prove` runs the proof on any maker of a store, and says which premise it gives up; `divisions` does
so for every cut. `attack` tries all short schedules of requests and faults, and shows the first
that breaks a letter; `replay` runs one schedule, made of `Step`s. `shrink` drops from a long run
whatever it fails without. `STORES` are those of the lessons, by name.
"""

from capkit.adversary.attacks import Attack, attack, replay
from capkit.adversary.named import STORES
from capkit.adversary.proof import Proof, divisions, prove
from capkit.adversary.schedules import Step
from capkit.adversary.shrinking import Shrunk, shrink

__all__ = [
    "STORES",
    "Attack",
    "Proof",
    "Shrunk",
    "Step",
    "attack",
    "divisions",
    "prove",
    "replay",
    "shrink",
]
