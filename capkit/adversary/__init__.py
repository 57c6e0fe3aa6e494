"""The theorem as a program, and the smallest schedule that breaks a store.

`attack` tries all short schedules of requests and faults on any maker of a store, and shows the
first that breaks a letter; `replay` runs one schedule, made of `Step`s.
"""

from capkit.adversary.attacks import Attack, attack, replay
from capkit.adversary.schedules import Step

__all__ = ["Attack", "Step", "attack", "replay"]
