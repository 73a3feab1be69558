import threading
import time

import numpy as np
import pytest

from emoscope.dashboard.live.analysis_pool import AnalysisPool

FRAME = np.zeros((4, 4, 3), np.uint8)


def wait_until(condition, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def analysis_threads() -> int:
    return sum(t.name.startswith("live-analysis") for t in threading.enumerate())


def test_offering_never_waits_for_a_running_analysis():
    pool, release, begun = AnalysisPool(analyses_per_second=1e6), threading.Event(), threading.Event()
    seen = []

    def analyze(frame, at):
        seen.append(at)
        begun.set()
        release.wait(10)

    seat = pool.join(analyze)
    assert seat.offer(FRAME, 0.0, 1e6)
    assert begun.wait(10)
    for at in (1.0, 2.0, 3.0):
        assert seat.offer(FRAME, at, 1e6)  # returns although the analysis is held up
    release.set()
    assert wait_until(lambda: len(seen) == 2)
    assert seen == [0.0, 3.0] and seat.dropped == 2
    seat.leave()


def test_past_the_cap_there_is_no_seat_until_one_is_given_back():
    pool = AnalysisPool(seats=2)
    seats = [pool.join(lambda *_: None) for _ in range(3)]
    assert seats[2] is None and pool.is_full
    seats[0].leave()
    seats[0].leave()
    assert pool.taken == 1
    seats[2] = pool.join(lambda *_: None)
    assert seats[2] is not None
    for seat in seats:
        seat.leave()


def test_a_seat_that_falls_silent_is_taken_back(monkeypatch):
    pool = AnalysisPool(seats=1)
    seat = pool.join(lambda *_: None)
    monkeypatch.setattr("emoscope.dashboard.live.analysis_pool._IDLE_SECONDS", 0.0)
    time.sleep(0.01)
    successor = pool.join(lambda *_: None)
    assert successor is not None
    assert seat.left and not seat.offer(FRAME, 0.0, 1e6)
    successor.leave()


def test_a_slow_session_does_not_starve_a_quick_one():
    pool, counts, stop = AnalysisPool(analyses_per_second=1e6), {"slow": 0, "quick": 0}, threading.Event()
    seats = {}

    def analyze(name, seconds):
        def run(frame, at):
            time.sleep(seconds)
            counts[name] += 1
            if not stop.is_set():
                seats[name].offer(FRAME, at, 1e6)

        return run

    for name, seconds in (("slow", 0.04), ("quick", 0.004)):
        seats[name] = pool.join(analyze(name, seconds))
        seats[name].offer(FRAME, 0.0, 1e6)
    assert wait_until(lambda: counts["slow"] >= 5)
    stop.set()
    for seat in seats.values():
        seat.leave()
    assert counts["quick"] >= 3 * counts["slow"]


def test_equal_sessions_get_equal_shares():
    pool, counts, stop = AnalysisPool(analyses_per_second=1e6), [0] * 4, threading.Event()
    seats = []

    def analyze(i):
        def run(frame, at):
            counts[i] += 1
            time.sleep(0.003)

        return run

    seats = [pool.join(analyze(i)) for i in range(4)]

    def feed():
        while not stop.is_set():
            for seat in seats:
                seat.offer(FRAME, 0.0, 1e6)
            time.sleep(0.0005)

    feeder = threading.Thread(target=feed)
    feeder.start()
    assert wait_until(lambda: sum(counts) >= 120)
    stop.set()
    feeder.join()
    for seat in seats:
        seat.leave()
    assert min(counts) >= 0.5 * max(counts)


def test_the_rate_cap_holds_on_the_grid_of_the_camera(monkeypatch):
    pool = AnalysisPool()
    clock = {"now": 100.0}
    monkeypatch.setattr("emoscope.dashboard.live.analysis_pool.monotonic", lambda: clock["now"])
    seat = pool.join(lambda *_: None)
    taken = 0
    for i in range(301):
        clock["now"] = 100 + i / 30
        taken += seat.offer(FRAME, clock["now"], 15)
        seat._pending = None
    seat.leave()
    assert 145 <= taken <= 156


def test_sessions_together_stay_below_the_pools_rate(monkeypatch):
    pool = AnalysisPool(analyses_per_second=20)
    clock = {"now": 100.0}
    monkeypatch.setattr("emoscope.dashboard.live.analysis_pool.monotonic", lambda: clock["now"])
    seats = [pool.join(lambda *_: None) for _ in range(4)]
    taken = [0] * 4
    for i in range(301):
        clock["now"] = 100 + i / 30
        for n, seat in enumerate(seats):
            taken[n] += seat.offer(FRAME, clock["now"], 30)
            seat._pending = None
    for seat in seats:
        seat.leave()
    assert max(taken) - min(taken) <= 1 and 190 <= sum(taken) <= 212


def test_a_crash_hurts_only_its_own_analysis():
    pool, done = AnalysisPool(), threading.Event()

    def crash(frame, at):
        raise RuntimeError("broken")

    broken, healthy = pool.join(crash), pool.join(lambda *_: done.set())
    broken.offer(FRAME, 0.0, 1e6)
    assert wait_until(lambda: broken.analyses == 1)
    healthy.offer(FRAME, 0.0, 1e6)
    assert done.wait(10)
    broken.leave()
    healthy.leave()


def test_threads_end_with_the_last_seat():
    assert wait_until(lambda: analysis_threads() == 0)
    pool = AnalysisPool(threads=2)
    for _ in range(20):
        seat = pool.join(lambda *_: None)
        seat.offer(FRAME, 0.0, 1e6)
        assert analysis_threads() <= 2
        seat.leave()
    assert wait_until(lambda: analysis_threads() == 0)


@pytest.mark.parametrize(("value", "seats"), [("2", 2), ("0", 4), ("-3", 4), ("many", 4), ("", 4)])
def test_the_cap_comes_from_the_environment(monkeypatch, value, seats):
    monkeypatch.setenv("EMOSCOPE_LIVE_SESSIONS", value)
    assert AnalysisPool.from_environment().seats == seats


def test_impossible_pools_are_refused():
    with pytest.raises(ValueError, match="seats=0"):
        AnalysisPool(seats=0)
