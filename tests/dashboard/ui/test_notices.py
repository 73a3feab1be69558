import pytest

from emoscope.dashboard.ui.notices import escape


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words.", "plain words."),
        ("my_own_*.jpg", r"my\_own\_\*.jpg"),
        ("[a](b) $x$ :smile:", r"\[a\](b) \$x\$ \:smile\:"),
        ("Run `python -m training train_it`.", "Run `python -m training train_it`."),
        ("", ""),
    ],
)
def test_names_are_not_read_as_markdown(text, expected):
    assert escape(text) == expected
