from tests.dashboard.conftest import fresh_caches, runs_folder

__all__ = ["fresh_caches", "runs_folder"]
