"""Which pages there are: one line each, for the menu and for the cards of the home page."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from emoscope.model import places


class Entry(NamedTuple):
    """A page of the app.

    Attributes:
        group: Heading in the menu.
        file: Name of the file in ``pages/``.
        title: In the menu and the browser's tab.
        icon: Material symbol.
        summary: What one does there, for its card.
    """

    group: str
    file: str
    title: str
    icon: str
    summary: str

    @property
    def path(self) -> Path:
        """The page's file."""
        return places.HOME / "pages" / self.file


HOME = Entry("", "home.py", "Home", ":material/home:", "")

PAGES = (
    Entry(
        "Try it",
        "predict.py",
        "Predict",
        ":material/add_photo_alternate:",
        "Drop photos and see the emotion of every face.",
    ),
    Entry("Try it", "live.py", "Live", ":material/videocam:", "Watch emotions on your webcam as you move."),
    Entry("Try it", "video.py", "Video", ":material/movie:", "Follow every face through a clip of yours."),
    Entry(
        "Understand",
        "evaluation.py",
        "Evaluation",
        ":material/analytics:",
        "See where the network errs, down to the single image.",
    ),
    Entry(
        "Understand",
        "compare.py",
        "Compare",
        ":material/compare_arrows:",
        "Put networks side by side and test whether they differ.",
    ),
    Entry(
        "Understand",
        "training_curves.py",
        "Training curves",
        ":material/show_chart:",
        "Follow how each network learned, epoch by epoch.",
    ),
    Entry(
        "Understand",
        "model_card.py",
        "Model card",
        ":material/contract:",
        "Read what a network is for, what it is not for, and how far to trust it.",
    ),
    Entry("Understand", "dataset.py", "Dataset", ":material/dataset:", "Look through the images that it learned from."),
    Entry("Make", "train.py", "Train", ":material/model_training:", "Train a network of your own and watch it learn."),
    Entry("Make", "export.py", "Export", ":material/output:", "Take a network to a phone or another program."),
)
