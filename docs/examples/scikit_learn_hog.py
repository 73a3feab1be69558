"""What was done before neural networks: histograms of gradients and a linear classifier, in scikit-learn.

    python docs/examples/scikit_learn_hog.py DATA  # the folder that holds fer2013.csv, plain or compressed
    python -m training import hog.csv --name "HOG and logistic regression" --split PrivateTest

Needs scikit-learn, scikit-image and pandas. The run that ships as ``artifacts/HOG-and-logistic-regression`` is what
these two commands made: a table of predictions is all that the pages need.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas
from skimage.feature import hog
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

CLASSES = np.array(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"])


def features(pixels: pandas.Series) -> np.ndarray:
    """Return the histograms of gradients of each image, float32, shape (N, 1764)."""
    images = (np.fromstring(text, np.uint8, sep=" ").reshape(48, 48) for text in pixels)
    found = [hog(image, orientations=9, pixels_per_cell=(6, 6), cells_per_block=(2, 2)) for image in images]
    return np.array(found, np.float32)


def main() -> None:
    """Fit on the training split, and write the probabilities of the test split as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", type=Path, default=Path("hog.csv"))
    parser.add_argument("--components", type=int, default=3000, help="of the kernel's approximation")
    options = parser.parse_args()

    table = pandas.read_csv(next(iter(sorted(options.data.glob("fer2013.csv*")))))
    training, test = (table[table["Usage"] == split] for split in ("Training", "PrivateTest"))
    kernel = Nystroem(gamma=3e-4, n_components=min(options.components, len(training)), random_state=0)
    classifier = make_pipeline(StandardScaler(), kernel, LogisticRegression(C=1, max_iter=400))
    classifier.fit(features(training["pixels"]), training["emotion"])
    found = classifier.predict_proba(features(test["pixels"]))
    written = pandas.DataFrame(found, columns=CLASSES[classifier.classes_])
    written.insert(0, "label", CLASSES[test["emotion"]])
    written.to_csv(options.output, index=False, float_format="%.6g")
    print(f"accuracy {np.mean(written.columns[1:].to_numpy()[found.argmax(1)] == written['label']):.4f}")


if __name__ == "__main__":
    main()
