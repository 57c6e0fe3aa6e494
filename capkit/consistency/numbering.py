"""Codes of keys and values made into small numbers, without sorting them where that can be."""

from __future__ import annotations

import numpy as np

from capkit.history.columns import Column


def from_zero(codes: Column) -> Column:
    """Numbers from 0 on for the codes, in their order; some may be left out."""
    low, high = int(codes.min(initial=0)), int(codes.max(initial=0))
    return codes - low if high - low < codes.size else numbers(codes)


def numbers(codes: Column) -> Column:
    """Numbers 0, 1, ... for the codes, in their order; without sorting if the codes are dense."""
    if not codes.size:
        return codes.astype(np.int64)
    low = int(codes.min())
    width = int(codes.max()) - low + 1
    if width == 1:
        return np.zeros(len(codes), np.int64)
    if width > 4 * codes.size + 1_000:
        return np.unique_inverse(codes).inverse_indices
    present = np.zeros(width, np.int64)
    present[codes - low] = 1
    numbered: Column = (np.cumsum(present) - 1)[codes - low]
    return numbered
