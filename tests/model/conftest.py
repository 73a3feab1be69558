"""Predictions to check figures on: the bundled run's own where there is one, and made-up ones."""

from __future__ import annotations

import pytest

from emoscope.model.runs.predictions import Predictions
from emoscope.model.runs.run import DEFAULT_RUN, Run, iter_runs
from tests.factories import make_predictions


@pytest.fixture(params=["bundled", "made up"], scope="session")
def some_predictions(request: pytest.FixtureRequest) -> Predictions:
    if request.param == "made up":
        return make_predictions(3589, 7, accuracy=0.66, sharpness=1.7, seed=3)
    bundled = next((run for run in iter_runs() if run.key == DEFAULT_RUN and isinstance(run, Run)), None)
    if bundled is None or not bundled.splits:
        pytest.skip("the bundled run is not here")
    return bundled.predictions(bundled.splits[-1])
