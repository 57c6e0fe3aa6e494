"""The same arguments give the same history to the byte, in whatever process."""

import os
import subprocess
import sys

import pytest
from support import ROOT

SCRIPT = """
import sys
from functools import partial
from capkit import *
from capkit.stores import LeaderlessStore, LeaderStore, LeaseStore

ids = {"int": [3, 1, 2, 0], "str": ["rome", "oslo", "bern", "kyiv"]}[sys.argv[1]]
first, second, third, fourth = ids
stores = [
    DistributedStore,
    CAStore,
    partial(CAStore, on_partition="failover"),
    CPStore,
    partial(CPStore, write_back=False),
    partial(CPStore, rejoin=True),
    APStore,
    partial(APStore, resolve="siblings"),
    LeaderStore,
    partial(LeaderStore, reads="lease"),
    LeaseStore,
    partial(LeaderlessStore, resolve="siblings"),
    partial(LeaderlessStore, sloppy=False),
]
faults = [
    Partition(at=200, until=900, groups=[{first, second}, {third}]),
    Partition(at=500, until=1_100, groups=[{second, fourth}, {first}], one_way=True),
    Crash(at=800, until=1_300, node=third, lose_memory=True),
    Crash(at=1_200, until=1_400, node=first),
    Slow(at=100, until=700, node=fourth, delay=30),
    Pause(at=400, until=650, node=first),
    Skew(at=300, until=1_600, node=second, offset=200),
]
for i, make in enumerate(stores):
    store = make([Node(id) for id in ids], Network(0.2, reply_loss=0.1, rng=7))
    workload = Workload(clients=4, rate=10, keys=["x", "y"], rng=7)
    history = run(store, workload, faults, settle=1_000, trace=True)
    history.write(f"{sys.argv[2]}/{i}.jsonl")
"""
STORES = 13
HASH_SEEDS = "4", "5"  # under these two, the sets of the script come in different orders


@pytest.mark.parametrize("ids", ["int", "str"])
def test_two_processes_with_different_hash_seeds_write_the_same_bytes(tmp_path, ids):
    for hash_seed in HASH_SEEDS:
        folder = tmp_path / hash_seed
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-c", SCRIPT, ids, str(folder)],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=ROOT,
            check=True,
        )
    for i in range(STORES):
        first, second = ((tmp_path / seed / f"{i}.jsonl").read_bytes() for seed in HASH_SEEDS)
        assert first == second
        assert first.count(b"\n") > 200
    texts = {(tmp_path / HASH_SEEDS[0] / f"{i}.jsonl").read_bytes() for i in range(STORES)}
    assert len(texts) == STORES
