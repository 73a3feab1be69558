import math

import numpy as np
import pytest

from emoscope.dashboard.live.statistics import MAX_RECORDED_ROWS, Meter, Moment, Recording, Timeline, agreement

NAMES = ("happy", "sad")


def moment(at: float, face: int = 1, label: str = "happy", warning: str = "", other: str = "") -> Moment:
    return Moment(at, face, label, NAMES, np.array([0.75, 0.25], np.float32), warning, other)


def test_rates_and_ages_are_of_the_last_five_seconds():
    meter = Meter()
    for i in range(300):
        at = i / 30
        meter.add("draw", at, 0.002)
        meter.add("stamp", at, i / 30)
        meter.add("age", at, 1.0 if at < 4 else 0.05 if i % 10 else 0.1)
        if i % 3 == 0:
            meter.add("detect", at, 0.02)
    found = meter.performance(now=299 / 30, dropped=7)
    assert found.shown_fps == pytest.approx(30, rel=0.02) and found.camera_fps == pytest.approx(30)
    assert found.analyses_per_second == pytest.approx(10, rel=0.05)
    assert found.age_p50 == pytest.approx(50) and found.age_p95 == pytest.approx(100)
    assert found.stages == {"detect": pytest.approx(20), "draw": pytest.approx(2)} and found.dropped == 7


def test_nothing_measured_is_no_number():
    found = Meter().performance(now=0.0)
    assert math.isnan(found.camera_fps) and math.isnan(found.age_p95) and found.shown_fps == 0 and found.stages == {}


def test_the_timeline_keeps_a_minute():
    timeline = Timeline()
    for i in range(1000):
        timeline.add([moment(i * 0.1)])
    assert next(m.at for m in timeline.moments(now=99.9)) == pytest.approx(39.9)
    assert len(timeline._moments) <= 602


def test_agreement_counts_moments_with_two_readings():
    moments = [
        moment(0, other="happy"),
        moment(1, other="sad"),
        moment(2),
        moment(3, label="", warning="dark", other="sad"),
    ]
    assert agreement(moments) == 0.5
    assert math.isnan(agreement([moment(0)]))


def test_agreement_is_of_meanings_and_not_of_words():
    moments = [moment(0, label="happy", other="Happiness"), moment(1, label="sad", other="anger")]
    assert agreement(moments) == 0.5


def test_a_recording_sums_up_each_face():
    recording = Recording(started=10.0)
    recording.add([moment(9.0)])
    recording.add([moment(10.0), moment(10.0, face=2, label="sad")])
    recording.add([moment(12.0, label="sad"), moment(12.5, label="", warning="The face is too dark."), moment(13.0)])
    recording.stopped = 14.0
    first, second = recording.summary()
    assert first == {"face": 1, "seen (s)": 3.0, "mostly": "happy", "not readable": 0.25, "happy": 0.667, "sad": 0.333}
    assert second["mostly"] == "sad"
    assert recording.to_csv().splitlines()[1] == "0.000,1,happy,,,0.7500,0.2500"
    assert recording.seconds() == 4.0


def test_a_full_recording_stops_by_itself():
    recording = Recording(started=0.0)
    recording.add([moment(1.0)] * MAX_RECORDED_ROWS)
    assert recording.stopped == 1.0
    recording.add([moment(2.0)])
    assert len(recording.moments) == MAX_RECORDED_ROWS


def test_an_empty_recording_is_a_header():
    recording = Recording(started=0.0, stopped=1.0)
    assert recording.to_csv() == "seconds,face,label,warning,other_label\n" and recording.summary() == []
