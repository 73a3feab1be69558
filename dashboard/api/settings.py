"""What a deployment may set of the API, by environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emoscope.model.errors import ConfigError


@dataclass(frozen=True)
class ApiSettings:
    """Limits and access of the API.

    Attributes:
        token: Bearer token that a request must carry; empty for none.
        origins: Origins of foreign web pages whose scripts may call the API; ``*`` for all.
        max_body: Bytes per request.
        max_images: Pictures per request.
        max_pixels: Pixels per picture, taken from its header before anything is decoded; ``model/images.py`` limits the
            memory for decoding besides.
        max_faces: Faces predicted per picture, largest first.
        images_per_minute: Pictures per minute from one address; 0 for no limit.
        body_seconds: Seconds that a body may take to arrive.
        max_waiting: Pictures of all requests that may wait or be in work at once.
        max_held: Bytes of all bodies that may be in memory at once.
    """

    token: str = ""
    origins: tuple[str, ...] = ()
    max_body: int = 20_000_000
    max_images: int = 32
    max_pixels: int = 50_000_000
    max_faces: int = 100
    images_per_minute: int = 6000
    body_seconds: int = 30
    max_waiting: int = 256
    max_held: int = 200_000_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ApiSettings:
        """Read ``EMOSCOPE_API_…`` variables.

        Raises:
            ConfigError: A value is no number, or too small.
        """
        rate = "EMOSCOPE_API_IMAGES_PER_MINUTE"
        if rate not in environment and "EMOSCOPE_API_IMAGES_A_MINUTE" in environment:
            rate = "EMOSCOPE_API_IMAGES_A_MINUTE"  # the former name
        numbers = {
            "max_body": _number(environment, "EMOSCOPE_API_MEGABYTES", cls.max_body / 1e6, 0.001) * 1e6,
            "max_images": _number(environment, "EMOSCOPE_API_IMAGES", cls.max_images, 1),
            "max_pixels": _number(environment, "EMOSCOPE_API_MEGAPIXELS", cls.max_pixels / 1e6, 0.001) * 1e6,
            "max_faces": _number(environment, "EMOSCOPE_API_FACES", cls.max_faces, 1),
            "body_seconds": _number(environment, "EMOSCOPE_API_BODY_SECONDS", cls.body_seconds, 1),
            "images_per_minute": _number(environment, rate, cls.images_per_minute, 0),
        }
        return cls(
            token=environment.get("EMOSCOPE_API_TOKEN", ""),
            origins=tuple(environment.get("EMOSCOPE_API_ORIGINS", "").replace(",", " ").split()),
            **{name: int(value) for name, value in numbers.items()},
        )


def _number(environment: Mapping[str, str], name: str, default: float, least: float) -> float:
    text = environment.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not least <= value < 1e6:
        raise ConfigError(f"{name} is {text!r}.", f"Set it to a number from {least} up, or leave it out.")
    return value
