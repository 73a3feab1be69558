"""The strengths of augmentation, apart from its layers: a configuration is read and checked without loading Keras."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Augmentation:
    """How strongly training images are augmented; zero switches a change off.

    Attributes:
        flip: Mirror half of the images.
        rotation: Largest angle in degrees, either way.
        zoom: Largest relative change of size, e.g. 0.15 for 0.85 to 1.15.
        shift: Largest shift as a fraction of the image's side, along each axis.
        shear: Largest horizontal shear in degrees, either way.
        brightness: Largest change as a fraction of the full range.
        contrast: Largest relative change of contrast.
        gamma: Largest exponent ``g`` and smallest ``1 / g`` minus 1, e.g. 0.5 for 0.67 to 1.5.
        side_light: Strength of a linear light gradient over the face, as a fraction of the full range.
        blur: Largest standard deviation of a Gaussian blur as a fraction of the side; half of the images stay sharp.
        erasing: Probability that a rectangle is erased.
        noise: Largest standard deviation of Gaussian noise as a fraction of the full range; each image draws its own.
    """

    flip: bool = True
    rotation: float = 12.0
    zoom: float = 0.15
    shift: float = 0.08
    shear: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.4
    side_light: float = 0.15
    blur: float = 0.0
    erasing: float = 0.25
    noise: float = 0.0

    def scaled(self, factor: float) -> Augmentation:
        """Return the same changes at another strength; images are mirrored as before."""
        strengths = {f.name: factor * getattr(self, f.name) for f in fields(self) if f.name != "flip"}
        return replace(self, **strengths)


UNCHANGED = Augmentation(flip=False).scaled(0)
