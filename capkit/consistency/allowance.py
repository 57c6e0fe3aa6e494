"""How much work a judge may put into a question whose answer may take exponentially long."""

from __future__ import annotations

import math
from time import monotonic


class Allowance:
    """How many steps may be taken, and until when; `used` counts those taken."""

    def __init__(self, steps: int, seconds: float = math.inf) -> None:
        self.steps, self.used = steps, 0
        self.end = monotonic() + seconds if seconds < math.inf else math.inf

    def take(self, cost: int) -> bool:
        """Take steps; False if there are none left, or no time."""
        self.used = min(self.used + cost, self.steps + 1)
        if self.used > self.steps:
            self.used = self.steps
            return False
        return self.end == math.inf or monotonic() < self.end

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.used >= self.steps or (self.end < math.inf and monotonic() > self.end)

    def renewed(self, steps: int | None = None) -> Allowance:
        """As many steps again, or `steps` if given, within the same time."""
        again = Allowance(steps or self.steps)
        again.end = self.end
        return again
