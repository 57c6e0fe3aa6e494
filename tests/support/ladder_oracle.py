"""The rungs of the ladder by their definitions, word by word: slow, and none of it from capkit.

Every function takes a list of operations and returns whether the promise was kept.
"""

import itertools
import math

from capkit.history import Outcome, Siblings

OK, FAIL, UNKNOWN = Outcome


def counted(operations):
    """What may have happened: without failures and unanswered gets."""
    return [
        each
        for each in operations
        if each.outcome is OK or (each.kind == "put" and each.outcome is UNKNOWN)
    ]


def over(operation):
    return operation.completed if operation.outcome is OK else math.inf


def own_order(operations):
    """Pairs of operations of one process, the first of which was over when the other began.

    Those that touch count, too, because a process does one thing at a time.
    """
    items = list(enumerate(operations))
    return [
        (a, b)
        for i, a in items
        for j, b in items
        if a.process == b.process
        and a.outcome is OK
        and (over(a) < b.invoked or (a.completed == b.invoked and _first(i, a, j, b)))
    ]


def _first(i, a, j, b):
    """Which of two operations of one process that touch came first; if neither lasts, as listed."""
    return i < j or not a.invoked == a.completed == b.completed


def processes(operations):
    names = dict.fromkeys(each.process for each in operations)
    return [[each for each in operations if each.process == name] for name in names]


def one_at_a_time(operations):
    """Whether no process's counted operations overlap."""
    return all(
        over(a) <= b.invoked or over(b) <= a.invoked
        for mine in processes(happened(operations))
        for a, b in itertools.combinations(mine, 2)
    )


def real_time(operations):
    return [(a, b) for a in operations for b in operations if over(a) < b.invoked]


def orderable(needed, optional, pairs, depth=1):
    """Whether some order of all needed and some optional ones respects the pairs and every get."""
    before = {id(each): [a for a, b in pairs if b is each] for each in [*needed, *optional]}
    dead = set()

    def go_on(left, state):
        needed_left = [each for each in left if any(each is other for other in needed)]
        if not needed_left:
            return True
        name = (frozenset(map(id, left)), repr(sorted(state.items())))
        if name in dead:
            return False
        for each in left:
            if any(a is other for a in before[id(each)] for other in needed_left):
                continue
            held = state.get(each.key, (None,))
            if each.kind == "get" and each.value not in held:
                continue
            after = {**state, each.key: (each.value, *held)[:depth]}
            rest = [other for other in left if other is not each]
            if go_on(rest, after if each.kind == "put" else state):
                return True
        dead.add(name)
        return False

    return go_on([*needed, *optional], {})


def sequential(operations):
    every = happened(operations)
    return _any_order(every, own_order(every), 1)


def k_atomic(operations, k):
    every = happened(operations)
    return _any_order(every, [*real_time(every), *own_order(every)], k)


def _any_order(operations, pairs, depth):
    needed = [each for each in operations if each.outcome is OK]
    optional = [each for each in operations if each.outcome is UNKNOWN]
    return orderable(needed, optional, pairs, depth)


def happened(operations):
    """Without the unanswered puts whose value no get of their key returned."""
    every = counted(operations)
    gets = [each for each in every if each.kind == "get"]
    read = {id(put) for get in gets for put in versions(every, get)}
    return [each for each in every if each.outcome is OK or id(each) in read]


def versions(operations, get):
    """The puts of the values that a get showed, None for the initial one; several of siblings.

    What nobody put is left out.
    """
    puts = [each for each in operations if each.kind == "put" and each.key == get.key]
    whole = isinstance(get.value, Siblings) and not any(_same(e.value, get.value) for e in puts)
    found = [
        put
        for value in (get.value if whole else [get.value])
        for put in ([None] if value is None else puts)
        if put is None or _same(put.value, value)
    ]
    return [each for i, each in enumerate(found) if not any(each is e for e in found[:i])]


def _same(value, other):
    return isinstance(value, Siblings) == isinstance(other, Siblings) and value == other


def reads_from(operations):
    """Pairs of a put and a get that showed its value."""
    gets = [each for each in operations if each.kind == "get"]
    return [(put, get) for get in gets for put in versions(operations, get) if put is not None]


def happened_before(operations):
    """Set of pairs of ids: own order and reads-from, and all that follows from them."""
    pairs = {(id(a), id(b)) for a, b in [*own_order(operations), *reads_from(operations)]}
    names = list(map(id, operations))
    for middle in names:
        pairs |= {
            (a, b) for a in names for b in names if (a, middle) in pairs and (middle, b) in pairs
        }
    return pairs


def causal(operations):
    """For each process, an order of all puts and its gets that respects what happened before."""
    every = happened(operations)
    before = happened_before(every)
    pairs = [(a, b) for a in every for b in every if (id(a), id(b)) in before]
    return all(
        orderable([e for e in every if e.kind == "put" or any(e is o for o in mine)], [], pairs)
        for mine in processes(every)
    ) and not any((id(each), id(each)) in before for each in every)


def _older(every):
    """The function: was this put (None: the initial value) older than that one?"""
    before = happened_before(every)

    def older(a, b):
        if a is b or b is None or (a is not None and a.key != b.key):
            return False
        return a is None or (id(a), id(b)) in before

    return older


def _in_order(every, *operations):
    """Whether one process did these in this order."""
    order = own_order(every)
    return all(
        any((a, b) == (x, y) and a is x and b is y for x, y in order)
        for a, b in itertools.pairwise(operations)
    )


def _keeps(operations, is_old):
    """Whether no process gets only versions that are too old after what it did before."""
    every = happened(operations)
    older = _older(every)
    for get in (each for each in every if each.kind == "get"):
        before = [each for each in every if _in_order(every, each, get)]
        shown = versions(every, get)
        if shown and all(is_old(every, older, before, get, version) for version in shown):
            return False
    return True


def read_your_writes(operations):
    def is_old(_, older, before, get, version):
        puts = [each for each in before if each.kind == "put" and each.key == get.key]
        return any(older(version, put) for put in puts)

    return _keeps(operations, is_old)


def monotonic_reads(operations):
    def is_old(every, older, before, get, version):
        mine = [e for e in before if e.kind == "get" and e.key == get.key]
        seen = [(each, versions(every, each)) for each in mine]
        return any(older(version, put) for _, puts in seen for put in puts) or any(
            _in_order(every, a, b) and puts and among(version, first) and not among(version, puts)
            for (a, first), (b, puts) in itertools.permutations(seen, 2)
        )

    return _keeps(operations, is_old)


def among(version, others):
    return any(version is each for each in others)


def _keeps_causes(operations, causes):
    """Whether no process gets B and then something older than an A that `causes` gives of B.

    Or A itself, if they are of the same key.
    """

    def is_old(every, older, before, get, version):
        gets = [each for each in before if each.kind == "get"]
        for seen in (put for each in gets for put in versions(every, each) if put is not None):
            did = [each for each in every if _in_order(every, each, seen)]
            for cause in causes(every, did):
                if cause is None or cause is seen or cause.key != get.key:
                    continue
                if older(version, cause) or (version is cause and cause.key == seen.key):
                    return True
        return False

    return _keeps(operations, is_old)


def monotonic_writes(operations):
    return _keeps_causes(operations, lambda _, did: [e for e in did if e.kind == "put"])


def writes_follow_reads(operations):
    def got(every, did):
        return [put for each in did if each.kind == "get" for put in versions(every, each)]

    return _keeps_causes(operations, got)
