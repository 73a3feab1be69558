"""The responses, for the documentation; ``model/pictures/results.py`` writes them, not these classes."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from emoscope.model.images import SUPPORTED


class Face(BaseModel):
    """One face."""

    emotion: str = Field(examples=["happy"], description="The most probable class.")
    confidence: float = Field(description="Its probability, 0..1.")
    probabilities: dict[str, float] = Field(description="One probability per class, summing to 1.")
    xyxy: list[float] = Field(description="Box corners x1, y1, x2, y2 in pixels.")
    detector_confidence: float = Field(description="The detector's score, 0..1; 1 where it gives none.")
    landmarks: list[list[float]] | None = Field(description="Eyes, nose and mouth corners, (x, y) in pixels.")
    detector: str = Field(examples=["blazeface"], description="What found it; `none`: the picture was taken whole.")
    turned: int = Field(description="Degrees by which the picture was turned clockwise to find it: 0, 90, 180 or 270.")
    brightened: bool = Field(description="Whether the picture had to be brightened to find it.")
    warnings: list[str] = Field(description="Reasons to distrust this prediction.")
    heat_map: str | None = Field(None, description="With explain: gray PNG as a data URL, the size of the face's crop.")
    crop_to_frame: list[list[float]] | None = Field(
        None, description="With explain: 2×3 matrix from pixels of the heat map to pixels of the picture."
    )


class PictureResult(BaseModel):
    """One picture with its faces, or why it could not be opened."""

    file: str
    width: int | None = None
    height: int | None = None
    faces: list[Face] | None = Field(None, description="Largest first.")
    faces_left_out: int | None = Field(None, description="Smaller faces beyond the limit.")
    notes: list[str] | None = Field(None, description="What was left out or is missing of a damaged file.")
    error: str | None = Field(None, description="Why this picture could not be opened, where others could.")


class PredictResult(BaseModel):
    """The response to a prediction request."""

    run: str = Field(examples=["emoscope"])
    detector: str = Field(examples=["blazeface"])
    pictures: list[PictureResult]


class RunSummary(BaseModel):
    """A saved run."""

    key: str = Field(description="What the option `run` takes.")
    name: str
    default: bool
    architecture: str
    class_names: list[str]
    input_size: list[int] = Field(description="Height and width in pixels.")
    channels: int
    label_source: str
    parameters: int
    licence: str
    accuracy: dict[str, float] = Field(description="Accuracy by split; empty where the figures are broken.")


class RunsResult(BaseModel):
    """All saved runs that can be opened."""

    runs: list[RunSummary]


class Health(BaseModel):
    """That predictions are being made, and by whom."""

    status: str = Field(examples=["ok"])
    run: str
    classification: str = Field(description="`here`, or `cluster` where a Ray Serve deployment classifies the faces.")
    note: str = Field("", description="Why the cluster is not used just now.")


class ProblemResult(BaseModel):
    """RFC 9457: what is wrong, and what to do."""

    title: str
    status: int
    detail: str = Field(description="One sentence.")
    action: str | None = Field(None, description="What to do about it.")


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the responses of FastAPI's documentation for problems of these statuses."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemResult"}}}
    return {status: {"model": ProblemResult, "content": content} for status in statuses}


PICTURES_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"One picture, or several as files of a form. Each is a {SUPPORTED} file.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"image": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
            **{
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ("image/jpeg", "image/png", "image/heic", "image/webp", "application/octet-stream")
            },
        },
    }
}
