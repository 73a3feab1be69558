import numpy as np
import pytest

from emoscope.model.dataset.cache import cache_key, cache_root, file_hash, read_cached, write_cached
from emoscope.model.dataset.samples import Split, hash_images
from tests.model.dataset.made_up import make_images


def make_split(count: int = 3) -> Split:
    images = make_images(count, side=8)[..., None]
    return Split(images, np.arange(count), hash_images(images), np.array([f"row {k}" for k in range(count)]))


def test_a_flipped_bit_never_gives_other_data(cache_folder):
    split = make_split()
    write_cached("v1-x", {"train": split})
    (entry,) = cache_folder.glob("*.npz")
    whole = entry.read_bytes()
    refused = 0
    for place in range(0, len(whole), 11):
        entry.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = read_cached("v1-x")
        refused += found is None
        if found is not None:
            np.testing.assert_array_equal(found["train"].images, split.images)
            np.testing.assert_array_equal(found["train"].labels, split.labels)
    assert refused > 40


def test_an_entry_of_another_reader_version_is_not_used(monkeypatch):
    write_cached(cache_key("x"), {"train": make_split()})
    assert read_cached(cache_key("x")) is not None
    monkeypatch.setattr("emoscope.model.dataset.cache.READER_VERSION", 999)
    assert read_cached(cache_key("x")) is None


def test_the_folder_is_chosen_by_variable_then_by_the_system(monkeypatch, tmp_path):
    assert cache_root() == tmp_path / "cache"
    monkeypatch.delenv("EMOSCOPE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_root() == tmp_path / "xdg" / "emoscope"


@pytest.mark.parametrize("content", [b"", b"abc", bytes(5_000_000)])
def test_files_hash_by_content(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    (tmp_path / "b").write_bytes(content)
    (tmp_path / "c").write_bytes(content + b"x")
    assert file_hash(tmp_path / "a") == file_hash(tmp_path / "b") != file_hash(tmp_path / "c")
