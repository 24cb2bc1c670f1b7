import pytest


@pytest.fixture
def roomy_disk(monkeypatch):
    """Squares are kept on the disk, however full it is, and though a machine may have its temporary files in memory."""
    monkeypatch.setattr("autodet.training.image_cache.LEFT_FREE_BYTES", 0)
    monkeypatch.setattr("autodet.training.image_cache.MEMORY_FILE_SYSTEMS", ())
