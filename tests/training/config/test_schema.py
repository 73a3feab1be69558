import argparse

import pytest

from emoscope.model.errors import ConfigError
from emoscope.model.runs.renamed_keys import CONFIG_KEYS
from emoscope.training.config.schema import CONFIGS, add_config_flags, config_overrides, load_config


@pytest.mark.parametrize("file", sorted(CONFIGS.glob("*.yaml")), ids=lambda f: f.stem)
def test_shipped_configurations_load(file):
    assert load_config(file).epochs > 0


def test_a_file_is_found_by_its_name():
    assert load_config("emoscope").labels == "both"


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"epoch": 3}, "epoch is not a configuration key. Did you mean 'epochs'?"),
        ({"augmentation.rotatoin": 3}, "augmentation.rotatoin is not a configuration key. Did you mean 'rotation'?"),
        ({"optimizer": "adamm"}, "optimizer cannot be 'adamm'. Did you mean 'adam'?"),
        ({"epochs": "many"}, "epochs cannot be 'many'."),
        ({"epochs": 2.5}, "epochs cannot be 2.5."),
        ({"epochs": 0}, "epochs must be positive, not 0."),
        ({"label_smoothing": 1.0}, "label_smoothing must lie in 0..1, below 1, not 1.0."),
        ({"channels": 4}, "channels must be 1 (gray) or 3 (RGB), not 4."),
        ({"augmentation.flip": "perhaps"}, "augmentation.flip cannot be 'perhaps'."),
        ({"resolutions": "[[0.5]]"}, "resolutions cannot be '[[0.5]]'."),
        ({"loss": "focall"}, "loss cannot be 'focall'. Did you mean 'focal'?"),
        ({"focal_alpha": "high"}, "focal_alpha cannot be 'high'."),
        ({"focal_alpha": [0.5, -1]}, "focal_alpha must be one number from 0, or one for each class."),
        ({"privileged_votes": True}, "privileged_votes needs a teacher, and labels: both for the votes."),
        ({"teacher_views": 2}, "teacher_views must lie in 0..1, not 2.0."),
        ({"teacher_views": 0.5}, "teacher_views needs a teacher."),
        ({"mild_epochs": -1}, "mild_epochs must not be negative, but is -1."),
    ],
)
def test_what_is_not_possible_is_named(overrides, sentence):
    with pytest.raises(ConfigError) as caught:
        load_config(None, overrides)
    assert caught.value.message == sentence


def test_an_unknown_file_names_the_nearest():
    with pytest.raises(ConfigError, match="Did you mean 'emoscope'"):
        load_config("emoscop")


def test_broken_yaml_is_one_sentence(tmp_path):
    file = tmp_path / "broken.yaml"
    file.write_text("epochs: [1")
    with pytest.raises(ConfigError, match="is not readable YAML"):
        load_config(file)


def test_flags_win_over_the_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("epochs: 3\naugmentation: {rotation: 20}\n")
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    arguments = parser.parse_args(["--epochs", "5", "--augmentation.zoom", "0.3", "--resolutions", "[[0.5, 24]]"])
    config = load_config(file, config_overrides(arguments))
    assert (config.epochs, config.augmentation.rotation, config.augmentation.zoom) == (5, 20, 0.3)
    assert config.resolutions == ((0.5, 24),)


def test_resolution_grows_with_the_epochs():
    config = load_config(None, {"epochs": 10, "resolutions": [[0.3, 24], [0.6, 36]]})
    assert [config.side_at(epoch) for epoch in range(10)] == [24] * 3 + [36] * 3 + [48] * 4


@pytest.mark.parametrize(("old", "new"), CONFIG_KEYS.items())
def test_a_file_with_a_key_of_before_loads_and_the_new_name_is_said(old, new, tmp_path, capsys):
    value = {"average": 0.9, "stored_views": 3, "teacher_votes": False}[old]
    file = tmp_path / "before.yaml"
    file.write_text(f"{old}: {value}\nteacher: [one]\nteacher_views: 1\n")
    assert getattr(load_config(file), new) == value
    assert capsys.readouterr().err == f"note: the configuration key {old} is now called {new}.\n"


def test_a_flag_of_before_wins_over_the_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("ema_decay: 0.9\n")
    parser = argparse.ArgumentParser()
    add_config_flags(parser)
    assert load_config(file, config_overrides(parser.parse_args(["--average", "0.5"]))).ema_decay == 0.5
