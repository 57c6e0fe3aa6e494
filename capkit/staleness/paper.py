"""Table 4 of Bailis et al., "Probabilistically Bounded Staleness", VLDB 2012, as printed."""

from __future__ import annotations

# For N = 3: (R, W) -> 99.9th percentile of read and write latency, and t from which a read is
# fresh with probability 0.999, all in ms.
TABLE: dict[str, dict[tuple[int, int], tuple[float, float, float]]] = {
    "LNKD-SSD": {
        (1, 1): (0.66, 0.66, 1.85),
        (1, 2): (0.66, 1.63, 1.79),
        (2, 1): (1.63, 0.65, 0),
        (2, 2): (1.62, 1.64, 0),
        (3, 1): (4.14, 0.65, 0),
        (1, 3): (0.65, 4.09, 0),
    },
    "LNKD-DISK": {
        (1, 1): (0.66, 10.99, 45.5),
        (1, 2): (0.65, 20.97, 43.3),
        (2, 1): (1.63, 10.9, 13.6),
        (2, 2): (1.64, 20.96, 0),
        (3, 1): (4.12, 10.89, 0),
        (1, 3): (0.65, 112.65, 0),
    },
    "YMMR": {
        (1, 1): (5.58, 10.83, 1364),
        (1, 2): (5.61, 427.12, 1352),
        (2, 1): (32.6, 10.73, 202),
        (2, 2): (33.18, 428.11, 0),
        (3, 1): (219.27, 10.79, 0),
        (1, 3): (5.63, 1870.86, 0),
    },
    "WAN": {
        (1, 1): (3.4, 55.12, 113.0),
        (1, 2): (3.4, 167.64, 0),
        (2, 1): (151.3, 56.36, 30.2),
        (2, 2): (151.31, 167.72, 0),
        (3, 1): (153.86, 55.19, 0),
        (1, 3): (3.44, 241.55, 0),
    },
}

# Step of the sweep in ms. The paper does not say it; these are the decimals that the table prints.
STEPS = {"LNKD-SSD": 0.01, "LNKD-DISK": 0.1, "YMMR": 1.0, "WAN": 0.1}
