"""Micro-batching: faces of concurrent requests are read in one forward pass.

A few threads take whatever faces wait, all that fit into a batch, and never idle while there are any. Only while other
pictures are still being opened does a batch that is not full wait for them, at most :data:`MAX_WAIT_SECONDS`: a lone
request waits for nobody. The threads are half of the cores; the live page's analysis has the other half, and the shared
network has room for both, so that neither keeps the other from it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from emoscope.model.entities import Prediction
from emoscope.model.machine import half_of_the_cores
from emoscope.model.pipeline import FaceCrop, Pipeline

MAX_WAIT_SECONDS = 0.002
"""Longest that an idle thread lets a face wait for others."""

MAX_FACES = 16
"""Faces a batch; more would make everybody in it wait without being read any quicker."""

Outcome = list[Prediction] | BaseException
Deliver = Callable[[list[tuple["Job", Outcome]]], None]


@dataclass(eq=False)
class Job:
    """The faces of one picture on their way through the network."""

    pipeline: Pipeline
    crops: Sequence[FaceCrop]
    queued: float = field(default_factory=monotonic)


class MicroBatcher:
    """Threads that read faces in batches.

    Args:
        deliver: Called on one of the threads, once a batch, with its jobs and their outcomes.
        threads: How many batches are read at a time.
        observe: Called with the number of faces of each batch.
    """

    def __init__(self, deliver: Deliver, threads: int = 1, observe: Callable[[int], None] = lambda faces: None) -> None:
        self._deliver = deliver
        self._observe = observe
        self._waiting: deque[Job] = deque()
        self._coming = 0
        self._changed = threading.Condition()
        for number in range(threads):
            threading.Thread(target=self._work, name=f"api-batch-{number}", daemon=True).start()

    def announce(self, pictures: int) -> None:
        """Say that so many pictures are being opened; each ends in :meth:`put` or :meth:`give_up`."""
        with self._changed:
            self._coming += pictures

    def put(self, job: Job) -> None:
        """Queue the faces of an announced picture."""
        with self._changed:
            self._coming -= 1
            self._waiting.append(job)
            self._changed.notify()

    def give_up(self) -> None:
        """Say that an announced picture brings no faces."""
        with self._changed:
            self._coming -= 1
            if not self._coming:
                self._changed.notify_all()

    def _work(self) -> None:
        while True:
            jobs = self._next_batch()
            crops = [crop for job in jobs for crop in job.crops]
            outcomes: list[Outcome]
            try:
                predictions = jobs[0].pipeline.classify_crops(crops)
                self._observe(len(crops))
                ends = iter(predictions)
                outcomes = [[next(ends) for _ in job.crops] for job in jobs]
            except Exception as error:
                outcomes = [error] * len(jobs)
            self._deliver(list(zip(jobs, outcomes, strict=True)))
            del jobs, crops, outcomes  # not kept while waiting for more

    def _next_batch(self) -> list[Job]:
        with self._changed:
            while True:
                while not self._waiting:
                    self._changed.wait()
                deadline = self._waiting[0].queued + MAX_WAIT_SECONDS
                while self._coming and self._faces_waiting() < MAX_FACES and (left := deadline - monotonic()) > 0:
                    self._changed.wait(left)
                if self._waiting:  # another thread may have been quicker
                    return self._take()

    def _faces_waiting(self) -> int:
        return sum(len(job.crops) for job in self._waiting)

    def _take(self) -> list[Job]:
        """Take the oldest job and what fits beside it of those for the same network; the lock is held."""
        first = self._waiting.popleft()
        jobs, faces, others = [first], len(first.crops), deque[Job]()
        while self._waiting and faces < MAX_FACES:
            job = self._waiting.popleft()
            if job.pipeline.classifier is first.pipeline.classifier and faces + len(job.crops) <= MAX_FACES:
                jobs.append(job)
                faces += len(job.crops)
            else:
                others.append(job)
        self._waiting.extendleft(reversed(others))
        return jobs


def batch_threads() -> int:
    """Return how many batches this machine should read at a time: as many as the live page analyses."""
    return half_of_the_cores(most=4)
