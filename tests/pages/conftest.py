from tests.dashboard.conftest import fresh_caches, runs_folder
from tests.pages.evaluation_world import faces, faces_folder, world

__all__ = ["faces", "faces_folder", "fresh_caches", "runs_folder", "world"]
