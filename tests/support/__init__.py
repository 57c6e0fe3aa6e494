"""What the tests share: builders of stores, oracles, schedules, and the hands at a browser."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
