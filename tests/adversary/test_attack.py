"""The hunt: exhaustive, repeatable, the same for any number of workers; and the table of stores."""

import random
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import product

import pytest

from capkit import APStore, CAStore, CPStore, Outcome, Store, adversary, linearizable
from capkit.adversary import Step, attack, replay
from capkit.adversary.makers import calm
from capkit.adversary.schedules import steps
from capkit.adversary.trials import Rules, attempt, breaks
from capkit.systems import leaderless_quorums  # noqa: F401
