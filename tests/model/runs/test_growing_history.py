import numpy as np
import pytest

from emoscope.model.errors import RunError
from emoscope.model.runs.growing_history import GrowingHistory


def columns(history):
    rows = history.table()
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def test_epochs_are_numbered_and_get_the_names_of_other_runs():
    history = GrowingHistory()
    history.add_epoch({"train_loss": 2.0, "val/acc": 0.5})
    history.add_epoch({"train_loss": 1.0, "val/acc": 0.6, "lr": 0.1})
    np.testing.assert_equal(
        columns(history), {"loss": [2.0, 1.0], "val_accuracy": [0.5, 0.6], "learning_rate": [np.nan, 0.1]}
    )
    assert history.last_epoch == 2 and not history.counts_steps


def test_going_back_replaces_what_came_after():
    history = GrowingHistory()
    for loss in (4.0, 3.0, 2.0, 1.0):
        history.add_epoch({"loss": loss})
    history.add_epoch({"loss": 9.0}, epoch=3)
    assert columns(history) == {"loss": [4.0, 3.0, 9.0]}


def test_two_parts_of_one_epoch_become_one_row():
    history = GrowingHistory()
    history.add_epoch({"loss": 4.0, "seconds": 2.0}, epoch=1)
    history.add_epoch({"val_loss": 5.0, "seconds": 1.0}, epoch=1)
    assert columns(history) == {"loss": [4.0], "seconds": [3.0], "val_loss": [5.0]}
    assert history.seconds == 3.0


def test_steps_alone_are_told_as_steps_and_an_epoch_ends_at_the_last_one():
    history = GrowingHistory()
    history.add_step({"loss": 3.0}, 100)
    history.add_step({"loss": 2.0}, 200)
    history.add_epoch({"val_loss": 2.5})
    assert history.counts_steps and history.last_epoch == 0
    np.testing.assert_equal(
        columns(history), {"step": [100, 200], "loss": [3.0, 2.0], "seconds": [np.nan, 0.0], "val_loss": [np.nan, 2.5]}
    )


def test_rows_within_epochs_stand_where_they_are_and_keep_the_count_of_epochs():
    history = GrowingHistory()
    history.add_step({"loss": 3.0}, 50, epoch=0.5)
    history.add_epoch({"loss": 2.0}, step=100)
    history.add_epoch({"loss": 1.0}, step=200)
    assert columns(history) == {"epoch": [0.5, 1.0, 2.0], "step": [50, 100, 200], "loss": [3.0, 2.0, 1.0]}


def test_a_step_that_cannot_be_placed_among_epochs_is_refused():
    history = GrowingHistory()
    history.add_epoch({"loss": 3.0})
    with pytest.raises(
        RunError, match=r"the rows before it count epochs. Say where it stands: log.step\(40, epoch=1.5"
    ):
        history.add_step({"loss": 2.0}, 40)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"loss": [2.0, 1.0]}, {"loss": [2.0, 1.0, 0.5]}),
        ({"epoch": [2.0, 4.0], "loss": [2.0, 1.0]}, {"epoch": [2.0, 4.0, 5.0], "loss": [2.0, 1.0, 0.5]}),
    ],
)
def test_a_saved_history_goes_on(before, after):
    history = GrowingHistory({name: np.array(values) for name, values in before.items()})
    history.add_epoch({"train_loss": 0.5})
    assert columns(history) == after
