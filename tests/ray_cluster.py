"""A real Ray cluster on this machine, for tests of what a worker's death does."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def two_workers() -> Iterator[str]:
    """Start a head that does no work, and two workers of one core each; give the address."""
    ray = pytest.importorskip("ray", reason="needs requirements-cluster.txt")
    from ray.cluster_utils import Cluster

    memory = {"object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **memory})
    try:
        for _ in range(2):
            cluster.add_node(num_cpus=1, **memory)
        cluster.wait_for_nodes()
        yield cluster.address
    finally:
        ray.shutdown()
        cluster.shutdown()
