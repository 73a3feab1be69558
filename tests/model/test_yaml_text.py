import pytest

from emoscope.model.yaml_text import parse_yaml


@pytest.mark.parametrize(
    "text", ["a: [", "a: " + "9" * 5000, "a: 2001-99-99", "[" * 4000, "!!python/name:os.system", "\0"]
)
def test_what_cannot_be_parsed_is_one_kind_of_error_and_one_line(text):
    with pytest.raises(ValueError) as raised:
        parse_yaml(text)
    assert 0 < len(str(raised.value)) <= 300 and "\n" not in str(raised.value)


def test_what_can_be_is():
    assert parse_yaml("a: [1, 2.5, true]") == {"a": [1, 2.5, True]}
