import pytest
from streamlit.runtime import media_file_manager
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from emoscope.dashboard.ui import download_files


@pytest.fixture
def clock(monkeypatch):
    """A clock to set, in a world where the change is undone after the test."""
    monkeypatch.setattr(media_file_manager, "MediaFileMetadata", media_file_manager.MediaFileMetadata)
    remove = "_remove_orphaned_deferred_callables"
    monkeypatch.setattr(
        media_file_manager.MediaFileManager, remove, getattr(media_file_manager.MediaFileManager, remove)
    )
    time = {"now": 1000.0}
    monkeypatch.setattr(download_files, "monotonic", lambda: time["now"])
    download_files.keep_until_fetched()
    return time


def made_file(data: bytes = b"pixels"):
    """Return the files' store and manager, and the name of a file made at the press of its button."""
    storage = MemoryMediaFileStorage("/media")
    manager = media_file_manager.MediaFileManager(storage)
    button = manager.add_deferred(lambda: data, "image/png", "1.2", "snapshot.png")
    return storage, manager, manager.execute_deferred(button).rsplit("/", 1)[1]


def test_a_made_file_outlives_redraws_until_it_is_fetched(clock):
    storage, manager, name = made_file()
    for _ in range(20):  # as many ends of scripts, of this session or of others
        manager.remove_orphaned_files()
        clock["now"] += 1
    assert storage.get_file(name).content == b"pixels"


def test_a_made_file_goes_after_its_time(clock):
    storage, manager, name = made_file()
    manager.remove_orphaned_files()
    clock["now"] += download_files.SECONDS_TO_FETCH + 1
    manager.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        storage.get_file(name)


def test_a_picture_outlives_its_page_for_as_long_as_a_browser_needs_to_fetch_it(clock):
    storage = MemoryMediaFileStorage("/media")
    manager = media_file_manager.MediaFileManager(storage)
    name = manager.add(b"pixels", "image/jpeg", "1.2").rsplit("/", 1)[1]
    manager.clear_session_refs()
    manager.remove_orphaned_files()
    clock["now"] += 5
    manager.remove_orphaned_files()
    assert storage.get_file(name).content == b"pixels"
    clock["now"] += download_files.SECONDS_OF_PICTURES
    manager.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        storage.get_file(name)


def redrawn(manager, data: bytes):
    """Draw a page with one button anew and return the button's name for what makes its file."""
    button = manager.add_deferred(lambda: data, "image/png", "1.2", "snapshot.png")
    manager.remove_orphaned_files()
    return button


def test_a_button_pressed_while_its_page_is_redrawn_gives_its_file(clock):
    storage = MemoryMediaFileStorage("/media")
    manager = media_file_manager.MediaFileManager(storage)
    pressed = redrawn(manager, b"first")
    for _ in range(3):
        clock["now"] += 1
        newest = redrawn(manager, b"later")
    assert storage.get_file(manager.execute_deferred(pressed).rsplit("/", 1)[1]).content == b"first"
    clock["now"] += download_files.SECONDS_TO_FETCH
    manager.remove_orphaned_files()
    with pytest.raises(MediaFileStorageError):
        manager.execute_deferred(pressed)
    assert storage.get_file(manager.execute_deferred(newest).rsplit("/", 1)[1]).content == b"later", "it is still shown"
