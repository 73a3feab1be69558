import pytest

from emoscope.dashboard.train.gate import refusal

HERE = {"Host": "localhost:8501"}


@pytest.mark.parametrize(
    ("address", "headers"),
    [("localhost", HERE), ("127.0.0.1", {}), ("::1", {"host": "[::1]:8501"}), ("localhost", {"Host": "a.localhost"})],
)
def test_at_one_s_own_machine_training_is_on(address, headers):
    assert refusal("", address, headers) is None


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("", HERE),
        ("0.0.0.0", HERE),
        ("localhost", {"Host": "faces.example.org"}),
        ("localhost", {"Host": "localhost.example.org:8501"}),
        ("localhost", {**HERE, "X-Forwarded-For": "203.0.113.7"}),
    ],
    ids=["all addresses", "all addresses named", "another host's page", "a name that leads here", "behind a proxy"],
)
def test_where_others_can_come_training_is_off(address, headers):
    error = refusal("", address, headers)
    assert error is not None and "can be reached from other machines" in error.message
    assert refusal("on", address, headers) is None


def test_the_setting_wins_and_a_typo_in_it_is_named():
    assert "switched off" in str(refusal("off", "localhost", HERE))
    assert "neither on nor off" in str(refusal("yep", "localhost", HERE))
