"""Sweeps: the simulation at many points, on one core or on as many as an executor has."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from typing import Any, TypeAlias

import numpy as np

from capkit._arguments import RandomState, choice, count, flag, number, stream
from capkit.tradeoff.rates import FAILING, Rates, Wholes, from_counts, tally

Point: TypeAlias = tuple[int, int, int, float]
Quorums: TypeAlias = tuple[int, int, int]
Task: TypeAlias = tuple[Quorums, int, int]  # quorums, which chunk, trials in it

_NAMES = ("n", "r", "w", "loss")
_CHUNK = 2**19  # trials per task: long enough to be worth sending, short enough to lose
_IN_FLIGHT = 256  # tasks that an executor holds at a time, whatever the number of trials
_ATTEMPTS = 3


def sweep(
    grid: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    trials: int,
    executor: Executor | None = None,
    progress: bool = True,
    *,
    rng: RandomState = None,
    failing: str = "requests",
) -> Rates:
    """Simulate many stores: `simulate` at every point of a grid, on any number of cores.

    Parameters
    ----------
    grid : mapping of str to number or sequence, or sequence of mappings
        The names are n, r, w and loss. A mapping means every combination of its values; a sequence
        holds one mapping of numbers for each point, for grids whose quorums depend on n.
    trials : int
        Puts, each followed by a get, at each point; at least 1.
    executor : concurrent.futures.Executor, optional
        Who does the work, for example a `ProcessPoolExecutor`, or `Client.get_executor()` of a
        Dask cluster. By default the caller's own process.
    progress : bool
        Whether to show a bar once the sweep has taken a second.
    rng : int, numpy.random.Generator or None
        A seed, a generator, or None for fresh randomness.
    failing : {"requests", "nodes"}
        What fails independently, as in `exact`.

    Returns
    -------
    Rates
        Its arrays have one axis for each sequence in a mapping, in the mapping's order, or one
        axis for a sequence of points.

    Raises
    ------
    ValueError
        If the grid is empty, or lacks a name or has another, or a number is outside its range.
    TypeError
        If the executor cannot submit, or a value is not a number.

    Warns
    -----
    RuntimeWarning
        If the executor could not do a task in three attempts. The caller's process then does it:
        a lost worker costs time and no result.

    Notes
    -----
    Trials are cut into chunks of a fixed size, each with a random stream of its own, and merged by
    adding whole numbers. So the result is the same to the bit for any executor and any number of
    workers. Points share the streams: two points differ in n, r, w or loss, never in luck (common
    random numbers). Costs O(points * trials * n**2), less where points differ only in loss; memory
    does not grow with trials.

    Examples
    --------
    >>> rates = sweep({"n": 3, "r": [1, 2], "w": 2, "loss": [0.0, 0.1, 0.2]}, 50_000, rng=7)
    >>> rates.fresh.round(2)
    array([[1.  , 0.92, 0.86],
           [1.  , 1.  , 1.  ]])
    """
    points, shape = _points(grid)
    count("trials", trials)
    flag("progress", progress)
    shared = choice("failing", failing, FAILING) == "nodes"
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(f"executor must be a concurrent.futures.Executor, got {executor!r}")
    seeds = stream(rng, "tradeoff.sweep")
    places: dict[Quorums, list[int]] = {}
    for place, (n, r, w, _) in enumerate(points):
        places.setdefault((n, r, w), []).append(place)
    losses = np.array([loss for *_, loss in points])
    counts = np.zeros((4, len(points)), dtype=np.int64)

    def order(task: Task) -> tuple[Any, ...]:
        which, chunk, size = task
        return _work, seeds, chunk, which, losses[places[which]], size, shared

    found = _results(_tasks(places, trials), order, executor)
    for (which, _, _), more in _with_bar(found, trials * len(places), progress):
        counts[:, places[which]] += more
    return from_counts(counts.reshape(4, *shape), trials)


def _points(grid: Any) -> tuple[list[Point], tuple[int, ...]]:
    """Checked points, and the shape of the result."""
    if isinstance(grid, Mapping):
        names, shape = list(grid), tuple(itertools.chain(*(np.shape(grid[name]) for name in grid)))
        values = itertools.product(*(np.ravel(np.asarray(v, dtype=object)) for v in grid.values()))
        grid = [dict(zip(names, each, strict=True)) for each in values]
    elif isinstance(grid, Sequence) and all(isinstance(point, Mapping) for point in grid):
        shape = (len(grid),)
    else:
        raise TypeError(f"grid must be a mapping or a sequence of mappings, got {grid!r}")
    if not grid:
        raise ValueError("grid must have at least 1 point, got none")
    return [_point(point) for point in grid], shape


def _point(point: Mapping[str, Any]) -> Point:
    if set(point) != set(_NAMES):
        raise ValueError(f"grid must have the names {', '.join(_NAMES)}, got {list(point)}")
    n = count("n", point["n"])
    r, w = count("r", point["r"], 1, n), count("w", point["w"], 1, n)
    return n, r, w, number("loss", point["loss"], 0, 1)


def _tasks(places: Iterable[Quorums], trials: int) -> Iterator[Task]:
    for quorums in places:
        for chunk, start in enumerate(range(0, trials, _CHUNK)):
            yield quorums, chunk, min(_CHUNK, trials - start)


def _work(seeds: np.random.SeedSequence, chunk: int, *what: Any) -> Wholes:
    """Count the trials of one chunk; its stream depends on the seed and the chunk alone."""
    own = np.random.SeedSequence(seeds.entropy, spawn_key=(*seeds.spawn_key, chunk))
    return tally(own, *what)


def _results(
    tasks: Iterator[Task], order: Callable[[Task], tuple[Any, ...]], executor: Executor | None
) -> Iterator[tuple[Task, Wholes]]:
    """Each task with its counts, in the order in which they are done."""
    if executor is None:
        yield from ((task, _here(order(task))) for task in tasks)
        return
    waiting: dict[Future[Wholes], tuple[Task, int]] = {}
    try:
        while True:
            for task in itertools.islice(tasks, _IN_FLIGHT - len(waiting)):
                waiting[_submit(executor, order(task))] = task, 1
            if not waiting:
                return
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                task, attempt = waiting.pop(future)
                error = _error(future)
                if error is None:
                    yield task, future.result()
                elif attempt < _ATTEMPTS:
                    waiting[_submit(executor, order(task))] = task, attempt + 1
                else:
                    _warn(error)
                    yield task, _here(order(task))
    finally:
        for future in waiting:
            future.cancel()


def _here(order: tuple[Any, ...]) -> Wholes:
    work, *arguments = order
    return work(*arguments)  # type: ignore[no-any-return]


def _submit(executor: Executor, order: tuple[Any, ...]) -> Future[Wholes]:
    """Ask for a result; an executor that is broken or shut down answers with a failure."""
    try:
        return executor.submit(*order)
    except Exception as error:
        failed: Future[Wholes] = Future()
        failed.set_exception(error)
        return failed


def _error(future: Future[Wholes]) -> BaseException | None:
    if future.cancelled():
        return RuntimeError("the task was cancelled")
    return future.exception()


def _warn(error: BaseException) -> None:
    words = "the executor failed, and this process does its work instead"
    warnings.warn(f"{words}: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=2)


def _with_bar(
    found: Iterator[tuple[Task, Wholes]], total: int, progress: bool
) -> Iterator[tuple[Task, Wholes]]:
    """Pass results on, and show how far they are once that has taken a second."""
    from tqdm.auto import tqdm  # here, since in a notebook it loads ipywidgets

    style = {"unit": " trials", "unit_scale": True, "delay": 1, "leave": False}
    with tqdm(total=total, disable=not progress, **style) as bar:
        for task, counts in found:
            yield task, counts
            bar.update(task[2])
