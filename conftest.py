"""What nbval compares: the words and numbers of each output, not how they are set."""

from typing import Any


def pytest_collectstart(collector: Any) -> None:
    """Leave HTML out: a live picture has it for its description, one to be committed has not."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("text/html",)
