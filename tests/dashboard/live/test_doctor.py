import pytest

from emoscope.dashboard.live import doctor
from emoscope.dashboard.live.doctor import Evidence, Patience, diagnose


@pytest.mark.parametrize(
    ("evidence", "finding"),
    [
        (Evidence(), None),
        (Evidence(is_secure=True, permission="prompt"), None),
        (Evidence(is_secure=True, permission="denied", is_embedded=True), doctor.EMBEDDED),
        (Evidence(is_secure=True, permission="granted", has_ended=True, is_stuck=True), doctor.ENDED),
        (Evidence(is_secure=False), doctor.INSECURE),
        (Evidence(is_secure=True, permission="denied"), doctor.DENIED),
        (Evidence(is_secure=True, error="NotAllowedError: Permission denied"), doctor.DENIED),
        (Evidence(is_secure=True, error="NotFoundError: Requested device not found"), doctor.NO_CAMERA),
        (Evidence(error="NotFoundError: Requested device not found"), doctor.NO_CAMERA),
        (Evidence(error="NotReadableError: Could not start video source"), doctor.BUSY_CAMERA),
        (Evidence(is_stuck=True), doctor.STUCK),
        (Evidence(is_stuck=True, candidates=("host",)), doctor.NO_ROUTE),
        (Evidence(is_stuck=True, candidates=("host", "srflx")), doctor.NO_ROUTE),
        (Evidence(is_stuck=True, has_relay=True, turn_errors=(401,), candidates=("host",)), doctor.TURN_REFUSED),
        (Evidence(is_stuck=True, has_relay=True, turn_errors=(701,), candidates=("host",)), doctor.TURN_SILENT),
        (Evidence(is_stuck=True, has_relay=True, candidates=("host", "relay")), doctor.STUCK),
        (Evidence(candidates=("host",), turn_errors=(401,)), None),
    ],
)
def test_each_failure_has_its_words(evidence, finding):
    assert diagnose(evidence) == finding


def test_an_unknown_error_is_quoted():
    assert "OverconstrainedError: width" in diagnose(Evidence(error="OverconstrainedError: width")).message


@pytest.mark.parametrize("finding", [v for v in vars(doctor).values() if isinstance(v, doctor.Finding)])
def test_every_finding_says_what_to_do(finding):
    assert finding.message.endswith(".") and len(finding.action) > 20


@pytest.mark.parametrize("report", [None, "text", {}, {"candidates": 3, "turnErrors": None, "secure": 1}])
def test_a_strange_report_is_no_crash(report):
    evidence = Evidence.from_report(report, is_stuck=False, has_relay=False)
    assert evidence.candidates is None and diagnose(evidence) is None


def test_a_report_becomes_evidence():
    report = {
        "secure": True,
        "permission": "granted",
        "error": "",
        "candidates": ["host"],
        "turnErrors": [401],
    }
    evidence = Evidence.from_report(report, is_stuck=True, has_relay=True)
    assert diagnose(evidence) == doctor.TURN_REFUSED


@pytest.mark.parametrize(("was_live", "finding"), [(True, doctor.ENDED), (False, None)])
def test_a_camera_that_ended_is_said_only_where_its_pictures_were_coming(was_live, finding):
    report = {"secure": True, "permission": "granted", "track": "ended", "embedded": False}
    assert diagnose(Evidence.from_report(report, False, False, was_live)) == finding


def test_patience_ends_only_while_connecting():
    patience = Patience()
    assert not patience.is_over(True, 0.0)
    assert not patience.is_over(True, doctor.PATIENCE_SECONDS)
    assert patience.is_over(True, doctor.PATIENCE_SECONDS + 0.1)
    assert not patience.is_over(False, 100.0)
    assert not patience.is_over(True, 101.0)
