"""Work that any executor may do, taken back in the order in which it was given out."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from itertools import islice
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

_IN_FLIGHT = 64  # tasks that an executor holds at a time


def in_order(
    work: Callable[[Task], Result], tasks: Iterable[Task], executor: Executor | None
) -> Iterator[Result]:
    """The result of each task, in the order of the tasks, whoever was done first.

    What the executor cannot do, as it has no worker or cannot send the task, is done here. If the
    caller stops listening, what has not begun is cancelled.
    """
    if executor is None:
        yield from map(work, tasks)
        return
    waiting: deque[tuple[Task, Future[Result]]] = deque()
    left = iter(tasks)
    try:
        while True:
            for task in islice(left, _IN_FLIGHT - len(waiting)):
                waiting.append((task, _submit(executor, work, task)))
            if not waiting:
                return
            task, future = waiting.popleft()
            error = future.exception() if not future.cancelled() else RuntimeError("cancelled")
            if error is not None:
                _warn(error)
            yield future.result() if error is None else work(task)
    finally:
        for _, future in waiting:
            future.cancel()


def _submit(executor: Executor, work: Callable[[Task], Result], task: Task) -> Future[Result]:
    """Ask for a result; an executor that is broken or shut down answers with a failure."""
    try:
        return executor.submit(work, task)
    except Exception as error:
        failed: Future[Result] = Future()
        failed.set_exception(error)
        return failed


def _warn(error: BaseException) -> None:
    words = "the executor failed, and this process does its work instead"
    warnings.warn(f"{words}: {type(error).__name__}: {error}", RuntimeWarning, stacklevel=2)
