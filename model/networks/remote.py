"""A classifier whose network runs on a Ray Serve deployment, and here whenever that cannot be reached.

What is sent is the faces, already cropped to the network's size, in NumPy's own format; what comes back is checked like
any network's output. The other side is :mod:`emoscope.model.networks.serving`.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from zipfile import BadZipFile

import numpy as np
import urllib3

from emoscope.model.networks.classifier import Classification, Classifier
from emoscope.model.networks.preprocessing import resize_face
from emoscope.model.runs.run import RunInfo

_log = logging.getLogger(__name__)

RETRY_SECONDS = 10.0
"""How long faces are classified here after a failure, before the cluster is tried again."""

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 2.0


class RemoteClassifier:
    """Classifies on a cluster, and with its own network while the cluster fails.

    A failure opens the circuit: for :data:`RETRY_SECONDS` no call goes to the cluster, then one call tries it while all
    others still run here, and the first response closes the circuit again. No call fails because the cluster does.

    Args:
        local: The network here; its run is the one meant.
        url: Address of the deployment, such as ``http://ray-head:8000``.
        run_key: Key of the run on the cluster.
        network: :func:`network_hash` of the run's network: another one under the same key is not used.
        calibrated: Whether ``local`` applies the run's temperature.
    """

    def __init__(self, local: Classifier, url: str, run_key: str, network: str, calibrated: bool = False) -> None:
        self._local = local
        self._url = url.rstrip("/") + "/"
        self._headers = {
            "X-Emoscope-Run": run_key,
            "X-Emoscope-Network": network,
            "X-Emoscope-Calibrated": str(int(calibrated)),
        }
        self._http = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
        )
        self._lock = threading.Lock()
        self._ask_again = 0.0
        self._problem = ""

    @property
    def info(self) -> RunInfo:
        """The run that the network belongs to."""
        return self._local.info

    @property
    def problem(self) -> str:
        """Why faces are classified here for now, in a sentence for people; empty while the cluster responds."""
        return self._problem

    def classify(self, faces: Sequence[np.ndarray] | np.ndarray) -> Classification:
        """Classify faces, there or here; as :meth:`emoscope.model.networks.classifier.Classifier.classify`."""
        if not len(faces) or not self._may_ask():
            return self._local.classify(faces)
        try:
            answer = self._ask(faces)
        except (urllib3.exceptions.HTTPError, OSError, ValueError, KeyError, BadZipFile) as error:
            self._note_failure(error)
            return self._local.classify(faces)
        if self._problem:
            _log.info("The cluster at %s answers again", self._url)
            self._ask_again, self._problem = 0.0, ""
        return answer

    def close(self) -> None:
        """Free connections and the network here."""
        self._http.clear()
        self._local.close()

    def _may_ask(self) -> bool:
        if not self._problem:
            return True
        with self._lock:
            if monotonic() < self._ask_again:
                return False
            self._ask_again = monotonic() + RETRY_SECONDS  # the others wait for what this call finds
            return True

    def _note_failure(self, error: Exception) -> None:
        if not self._problem:
            _log.warning("The cluster at %s failed, so faces are classified here: %s", self._url, error)
        reason = str(error) if isinstance(error, ValueError) else "it does not answer"
        self._ask_again = monotonic() + RETRY_SECONDS
        self._problem = (
            f"The cluster at {self._url} is not used ({reason}): this machine classifies the faces "
            f"and tries again every {RETRY_SECONDS:g} s."
        )

    def _ask(self, faces: Sequence[np.ndarray] | np.ndarray) -> Classification:
        info = self.info
        body = io.BytesIO()
        np.save(body, np.stack([resize_face(face, info.input_size, info.channels) for face in faces]))
        response = self._http.request("POST", self._url, body=body.getvalue(), headers=self._headers)
        if response.status != 200:
            raise ValueError(f"it answers {response.status} {response.data[:200].decode(errors='replace')}".strip())
        return _read_answer(response.data, len(faces), len(info.class_names))


def _read_answer(data: bytes, faces: int, classes: int) -> Classification:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        probabilities = arrays["probabilities"]
        maps = arrays.get("activation_maps")
    if probabilities.shape != (faces, classes) or not (np.abs(probabilities.sum(1) - 1) < 1e-3).all():
        raise ValueError(f"it answers with probabilities of shape {probabilities.shape} for {faces} faces")
    if maps is not None and (maps.ndim != 4 or maps.shape[0] != faces or maps.shape[3] != classes):
        raise ValueError(f"it answers with activation maps of shape {maps.shape} for {faces} faces")
    return Classification(probabilities, maps)


def network_hash(file: Path | None) -> str:
    """Return a hash of a network's file, so that both sides know they mean the same; empty where there is none."""
    return "" if file is None else blake2b(file.read_bytes(), digest_size=16).hexdigest()
