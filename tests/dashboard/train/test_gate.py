import pytest

from emoscope.dashboard.train.gate import refusal

HERE = "http://localhost:8501/train"


def test_at_one_s_own_machine_training_is_on():
    assert refusal("", "localhost", HERE, {"Host": "localhost:8501"}) is None
    assert refusal("", "127.0.0.1", "", {}) is None


@pytest.mark.parametrize(
    ("address", "url", "headers"),
    [
        ("", HERE, {}),
        ("0.0.0.0", HERE, {}),
        ("localhost", "https://faces.example.org/train", {}),
        ("localhost", HERE, {"X-Forwarded-For": "203.0.113.7"}),
    ],
    ids=["all addresses", "all addresses named", "another host's page", "behind a proxy"],
)
def test_where_others_can_come_training_is_off(address, url, headers):
    error = refusal("", address, url, headers)
    assert error is not None and "can be reached from other machines" in error.message
    assert refusal("on", address, url, headers) is None


def test_the_setting_wins_and_a_typo_in_it_is_named():
    assert "switched off" in str(refusal("off", "localhost", HERE, {}))
    assert "neither on nor off" in str(refusal("yep", "localhost", HERE, {}))
