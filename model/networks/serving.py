"""The networks as a Ray Serve deployment: ``serve run emoscope.model.networks.serving:build``.

``deploy/serve.yaml`` configures it.

Hosts of the app hand their faces over when ``EMOSCOPE_SERVE_URL`` names this deployment. Requests of many hosts are
gathered into one forward pass; replicas come and go with the load. Only this module needs Ray.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence

import numpy as np
from ray import serve
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from emoscope.model.errors import RunError
from emoscope.model.networks.classifier import Classification, Classifier
from emoscope.model.networks.load import load_classifier
from emoscope.model.networks.remote import network_hash
from emoscope.model.runs.run import BrokenRun, iter_runs

MAX_WAIT_SECONDS = 0.005
"""Longest that a request waits for others to share its forward pass."""

MAX_REQUESTS = 8
"""Requests per forward pass."""

MAX_FACES = 512
"""Faces per request."""

_Wanted = tuple[str, str, bool]


@serve.deployment(
    num_replicas="auto",
    autoscaling_config={"min_replicas": 1, "max_replicas": 8, "target_ongoing_requests": 4},
    ray_actor_options={"num_cpus": 1},
    max_ongoing_requests=64,
)
class FaceClassifier:
    """Classifies crops with any saved run that the replica's host has."""

    def __init__(self) -> None:
        self._classifiers: dict[_Wanted, Classifier] = {}

    async def __call__(self, request: Request) -> Response:
        """Answer one request: crops as ``.npy`` in, probabilities and activation maps as ``.npz`` out."""
        headers = request.headers
        wanted = (
            headers.get("x-emoscope-run", ""),
            headers.get("x-emoscope-network", ""),
            headers.get("x-emoscope-calibrated") == "1",
        )
        try:
            faces = _read_faces(await request.body())
            classifier = await asyncio.to_thread(self._classifier, wanted)
        except (ValueError, RunError) as error:
            return PlainTextResponse(str(error), 409 if isinstance(error, RunError) else 422)
        info = classifier.info
        if faces.shape[1:] != (*info.input_size, info.channels):
            return PlainTextResponse(f"Crops of shape {faces.shape[1:]} do not fit the network.", 422)
        return Response(_write(await self._classify((classifier, faces))), media_type="application/octet-stream")

    @serve.batch(max_batch_size=MAX_REQUESTS, batch_wait_timeout_s=MAX_WAIT_SECONDS)
    async def _classify(self, requests: list[tuple[Classifier, np.ndarray]]) -> list[Classification]:
        return await asyncio.to_thread(self._classify_together, requests)

    def _classify_together(self, requests: Sequence[tuple[Classifier, np.ndarray]]) -> list[Classification]:
        results: dict[int, Classification] = {}
        for classifier in {id(classifier): classifier for classifier, _ in requests}.values():
            numbers = [i for i, (of, _) in enumerate(requests) if of is classifier]
            found = classifier.classify(np.concatenate([requests[i][1] for i in numbers]))
            ends = np.cumsum([len(requests[i][1]) for i in numbers])
            for i, end in zip(numbers, ends, strict=True):
                part = slice(int(end) - len(requests[i][1]), int(end))
                maps = found.activation_maps
                results[i] = Classification(found.probabilities[part], None if maps is None else maps[part])
        return [results[i] for i in range(len(requests))]

    def _classifier(self, wanted: _Wanted) -> Classifier:
        if wanted not in self._classifiers:
            key, network, calibrated = wanted
            # Looked up by name among the saved runs: as a path it could point anywhere.
            run = next((run for run in iter_runs() if run.key == key), None)
            if run is None or isinstance(run, BrokenRun):
                raise RunError(f"The cluster has no saved run {key!r}.", "Copy it there.")
            if network_hash(run.litert_file) != network:
                raise RunError(f"The cluster has another network under {key!r}.", "Copy the run there again.")
            if len(self._classifiers) >= 8:
                self._classifiers.pop(next(iter(self._classifiers)))
            self._classifiers[wanted] = load_classifier(run, temperature=run.temperature if calibrated else None)
        return self._classifiers[wanted]


def _read_faces(body: bytes) -> np.ndarray:
    faces = np.load(io.BytesIO(body), allow_pickle=False)
    if faces.ndim != 4 or faces.dtype != np.uint8 or not 0 < len(faces) <= MAX_FACES:
        raise ValueError(f"Crops are uint8 (N, H, W, C), N up to {MAX_FACES}. Received: {faces.dtype} {faces.shape}")
    return faces


def _write(result: Classification) -> bytes:
    content = io.BytesIO()
    arrays = {"probabilities": result.probabilities}
    if result.activation_maps is not None:
        arrays["activation_maps"] = result.activation_maps
    np.savez(content, **arrays)  # type: ignore[arg-type]
    return content.getvalue()


def build(args: dict[str, str]) -> serve.Application:
    """Return the application that ``serve run`` starts."""
    return FaceClassifier.bind()  # type: ignore[attr-defined]
