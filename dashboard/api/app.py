"""The API's routes below ``/api``: ``v1/predict``, ``v1/runs``, ``v1/healthz``, ``v1/metrics``, and ``docs``."""

from __future__ import annotations

import json
import logging
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.security import HTTPBearer
from fastapi_offline import FastAPIOffline
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from emoscope.dashboard.api.access import Access
from emoscope.dashboard.api.bodies import Bodies
from emoscope.dashboard.api.measures import CONTENT_TYPE, GONE, Measured, Measures
from emoscope.dashboard.api.predicting import Predictor
from emoscope.dashboard.api.problems import ProblemError
from emoscope.dashboard.api.schema import PICTURES_BODY, Health, PredictResult, RunsResult, problems
from emoscope.dashboard.api.settings import ApiSettings
from emoscope.dashboard.ui import resources
from emoscope.model.errors import EmoscopeError, RunError
from emoscope.model.networks.classifier import Classifier
from emoscope.model.networks.remote import RemoteClassifier
from emoscope.model.runs.run import DEFAULT_RUN, Run

DetectorName = Literal["blazeface", "haar", "yunet", "mtcnn", "none"]


class Api:
    """The API as an ASGI application, counted; made before its settings are known."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    def open(self, settings: ApiSettings) -> None:
        """Make it ready for requests."""
        # What the pages share is loaded with their spinner, which has no page here and logs that each time.
        logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)
        measures = Measures()
        self._app = Measured(create_api(settings, measures), measures)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of ASGI."""
        assert self._app is not None, "open() comes first"
        await self._app(scope, receive, send)


def create_api(settings: ApiSettings, measures: Measures) -> FastAPI:
    """Make the API.

    Args:
        settings: Limits and access.
        measures: Where batches and values are noted.
    """
    api = FastAPIOffline(
        redoc_url=None,
        title="Emoscope",
        version="1",
        description="Predicts emotions of faces: the networks and detectors of the app, over HTTP. "
        "Pictures are kept in memory, written nowhere and forgotten with the response.",
    )
    access, bodies, predictor = Access(settings), Bodies(settings), Predictor(settings, measures.batch)
    measures.observe("emoscope_pictures_waiting", "Pictures that wait or are in work", lambda: predictor.waiting)
    measures.observe("emoscope_live_sessions", "Live sessions that are analysed", _live_sessions)
    # For the documentation only: what it reads is checked by `access`, in which a missing token is a problem.
    bearer = [Depends(HTTPBearer(auto_error=False))] if settings.token else []
    _tell_problems(api)
    if settings.origins:
        api.add_middleware(CORSMiddleware, allow_origins=settings.origins, allow_headers=["*"], max_age=3600)

    @api.post(
        "/v1/predict",
        response_model=PredictResult,
        responses=problems(400, 401, 404, 408, 413, 415, 422, 429, 503),
        openapi_extra=PICTURES_BODY,
        dependencies=bearer,
    )
    async def predict(
        request: Request,
        detector: Annotated[DetectorName, Query(description="`none`: take each picture whole.")] = "blazeface",
        run: Annotated[str | None, Query(max_length=200, description="Key of a saved run; else the default.")] = None,
        explain: Annotated[bool, Query(description="Add a heat map to each face.")] = False,
        calibrated: Annotated[bool, Query(description="Correct probabilities by the run's temperature.")] = False,
    ) -> Response:
        """Detect the faces in pictures and predict their emotions."""
        whole = False
        try:
            access.check_token(request)
            access.count(request)
            key, pipeline = await predictor.pipeline(run, detector, calibrated)
            async with bodies.uploads(request) as uploads:
                whole = True
                access.count(request, len(uploads) - 1)
                pictures = await predictor.predict(pipeline, uploads, explain)
        except (ProblemError, EmoscopeError) as error:
            problem = error if isinstance(error, ProblemError) else ProblemError.from_error(error)
            if not whole:  # the rest of the body is not wanted
                problem.headers["Connection"] = "close"
            return problem.response()
        except ClientDisconnect:
            return Response(status_code=GONE)
        return _json({"run": key, "detector": detector, "pictures": pictures})

    @api.get("/v1/runs", response_model=RunsResult, responses=problems(401), dependencies=bearer)
    async def runs(request: Request) -> Response:
        """List the saved runs."""
        access.check_token(request)
        return _json(await run_in_threadpool(_runs))

    @api.get("/v1/healthz", response_model=Health, responses=problems(503))
    async def healthz() -> Response:
        """Tell whether predictions are made here; what a load balancer should ask."""
        try:
            key, pipeline = await predictor.pipeline(None, "none")
        except EmoscopeError as error:
            raise ProblemError(503, error.message, error.action) from error
        return _json({"status": "ok", "run": key, **_classification(pipeline.classifier)})

    @api.get("/v1/metrics", response_class=Response, responses=problems(401), dependencies=bearer)
    async def metrics(request: Request) -> Response:
        """Return what Prometheus collects."""
        access.check_token(request)
        return Response(measures.text(), headers={"Content-Type": CONTENT_TYPE})

    return api


def _tell_problems(api: FastAPI) -> None:
    """Report errors outside a route's own handling in the same format."""

    @api.exception_handler(ProblemError)
    async def problem(_: Request, error: ProblemError) -> Response:
        return error.response()

    @api.exception_handler(EmoscopeError)
    async def emoscope_error(_: Request, error: EmoscopeError) -> Response:
        return ProblemError.from_error(error).response()

    @api.exception_handler(RequestValidationError)
    async def validation_error(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        name, reason = first["loc"][-1], first["msg"][:1].lower() + first["msg"][1:]
        return ProblemError(422, f"The option {name!r} is not possible: {reason}.", "See /api/docs.").response()

    @api.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> Response:
        return ProblemError(error.status_code, f"{error.detail}.", "See /api/docs.", error.headers).response()

    @api.exception_handler(Exception)
    async def defect(_: Request, error: Exception) -> Response:
        return ProblemError(500, "The server failed at this request.", "Its log says why.").response()


def _runs() -> dict[str, Any]:
    found = [run for run in resources.runs() if isinstance(run, Run)]
    return {"runs": [_summary(run, DEFAULT_RUN) for run in found]}


def _summary(run: Run, default: str) -> dict[str, Any]:
    info = run.info
    return {
        "key": run.key,
        "name": info.name,
        "default": run.key == default,
        "architecture": info.architecture,
        "class_names": info.class_names,
        "input_size": info.input_size,
        "channels": info.channels,
        "label_source": info.label_source,
        "parameters": info.parameters,
        "licence": info.licence,
        "accuracy": _accuracy(run),
    }


def _classification(classifier: Classifier) -> dict[str, str]:
    if not isinstance(classifier, RemoteClassifier):
        return {"classification": "here"}
    return {"classification": "here" if classifier.problem else "cluster", "note": classifier.problem}


def _live_sessions() -> float:
    from emoscope.dashboard.live.controls import pool  # brings the video libraries, which only the live page needs

    return float(pool().taken)


def _json(content: dict[str, Any]) -> Response:
    return Response(json.dumps(content, ensure_ascii=False), media_type="application/json")


def _accuracy(run: Run) -> dict[str, float]:
    """Return the accuracy by split; none where the run's figures are broken, since it can still predict."""
    try:
        return {split: figures["accuracy"] for split, figures in run.metrics.items()}
    except RunError:
        return {}
