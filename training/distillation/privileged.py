"""A teacher with privileged labels: it is given the FER+ votes on each image beside the image itself.

FER-2013's labels come from one search query each and are noisy. A network's probabilities and the votes of FER+'s ten
annotators together predict the label better than either alone, and with less noise than the label itself.

Source: Lopez-Paz et al., "Unifying Distillation and Privileged Information", 2015.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def with_privileged_votes(
    probabilities: np.ndarray, votes: np.ndarray, voted: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Return the label's probabilities given a network's and the votes, by multinomial logistic regression.

    Args:
        probabilities: Of a network, shape (N, classes).
        votes: Shares of the votes, shape (N, vote classes).
        voted: Whether a sample has votes, bool, shape (N,); the others keep the network's probabilities.
        labels: Of the samples, which the regression is fitted to, int, shape (N,).

    Returns:
        float32, shape (N, classes).
    """
    informed = probabilities.astype(np.float32)
    if len(np.unique(labels[voted])) < 2:
        return informed
    features = np.concatenate([np.log(np.maximum(probabilities, 1e-6)), votes, np.log(votes + 0.05)], axis=1)[voted]
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300)).fit(features, labels[voted])
    told = np.zeros((len(features), probabilities.shape[1]), np.float32)
    told[:, regression.classes_] = regression.predict_proba(features)
    informed[voted] = told
    return informed
