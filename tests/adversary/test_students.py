"""Ten stores as students write them: each gets its counterexample, or "none", after few runs.

Up to 3 steps eight of them need at most 1,600 runs for either letter, which take a second or two.
That nothing breaks C of `WriteBack`, or A of `Impatient`, takes 38,850 and 37,059 runs, some 20 s:
they ask all nodes, mostly twice, so nearly every cut is felt, and few schedules are the same run.
"""

import pytest
from support import student_stores as students

from capkit.adversary import attack, divisions

# Steps of the smallest schedule of up to three that breaks C, and A.
STUDENTS = {
    students.ReadOneWriteAll: (3, 1),
    students.OwnNode: (2, None),
    students.NeverSayYes: (None, 1),
    students.Boss: (None, 1),
    students.Numbered: (3, 1),
    students.WriteBack: (None, 1),
    students.Impatient: (2, None),
    students.ReadOnlyMinority: (2, 1),
    students.Clocks: (3, 1),
    students.Neighbours: (3, 1),
}
# Most runs of both hunts together; what takes how long is for benchmarks.
RUNS = dict.fromkeys(STUDENTS, 1_600) | dict.fromkeys([students.WriteBack, students.Impatient], 4e4)


@pytest.mark.parametrize("make", STUDENTS, ids=lambda make: make.__name__)
def test_each_store_gets_its_counterexample_or_none_up_to_three(make, examples, tell):
    # That there is none up to 3 may take many runs, and is asked for by --examples 1000.
    longest = [each or (3 if examples >= 1_000 else 2) for each in STUDENTS[make]]
    tasks = zip("CA", longest, strict=True)
    found = [attack(make, letter, limit, progress=False) for letter, limit in tasks]
    runs = sum(each.tried for each in found)
    tell(f"{make.__name__}: {[each.steps for each in found]} by {runs:,} runs")
    assert runs <= RUNS[make]
    assert tuple(each.steps for each in found) == STUDENTS[make]
    given_up = {letter for proof in divisions(make) for letter in proof.letters}
    assert given_up <= {letter for letter, each in zip("CA", found, strict=True) if each.steps}
    assert given_up


def test_there_are_ten_and_no_store_keeps_both_letters():
    assert len(STUDENTS) == 10
    assert (None, None) not in STUDENTS.values()
