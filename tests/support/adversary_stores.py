"""The stores that the adversary is measured on, and what it must find."""

from functools import partial

from capkit import APStore, CAStore, CPStore

STORES = {
    "CA, block": CAStore,
    "CA, hot standby": partial(CAStore, read_from="any"),
    "CA, failover": partial(CAStore, on_partition="failover"),
    "CP, no write-back": partial(CPStore, write_back=False),
    "CP": CPStore,
    "AP": APStore,
}
# Steps of the smallest schedule of up to three that breaks C, and A.
TABLE = {
    "CA, block": (None, 1),
    "CA, hot standby": (3, 1),
    "CA, failover": (2, None),
    "CP, no write-back": (3, 1),
    "CP": (None, 1),
    "AP": (2, None),
}
