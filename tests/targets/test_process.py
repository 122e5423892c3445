"""Jobs side by side: results in order, the first failure told, nothing left running."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from edgekit.errors import ToolError
from targets.process import run_parallel


def after(seconds: float, result: int) -> Callable[[], int]:
    def job() -> int:
        time.sleep(seconds)
        return result

    return job


def test_results_keep_the_order_of_the_jobs() -> None:
    jobs = [after(0.05, 0), after(0.0, 1), after(0.02, 2)]
    assert run_parallel(jobs, 2) == [0, 1, 2]
    assert run_parallel(jobs) == [0, 1, 2]
    assert run_parallel([]) == []


def test_a_failure_stops_what_has_not_begun() -> None:
    begun = []

    def fail() -> int:
        raise ToolError("first")

    def later() -> int:
        begun.append(True)
        return 0

    with pytest.raises(ToolError, match="first"):
        run_parallel([fail, *[later] * 50], 1)
    assert begun == []


def test_ctrl_c_waits_for_running_jobs_and_begins_no_more() -> None:
    """Also the one that the main thread waits for when the interrupt comes."""
    both = threading.Barrier(2)
    ended: list[float] = []
    main = threading.main_thread().ident
    assert main is not None

    def job(seconds: float) -> int:
        if both.wait(10) == 0:
            signal.pthread_kill(main, signal.SIGINT)
        time.sleep(seconds)
        ended.append(seconds)
        return 0

    jobs = [partial(job, seconds) for seconds in (3.0, 2.0, 0.1, 0.1)]
    with pytest.raises(KeyboardInterrupt):
        run_parallel(jobs, 2)
    assert ended == [2.0, 3.0]
    time.sleep(0.3)
    assert ended == [2.0, 3.0], "nothing goes on in the background"
