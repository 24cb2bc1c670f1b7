import pytest

from autodet.training import square_cache


@pytest.fixture
def roomy_disk(monkeypatch):
    """Squares are kept on the disk, however full it is, and though a machine may have its temporary files in memory."""
    monkeypatch.setattr(square_cache, "LEFT_FREE_BYTES", 0)
    monkeypatch.setattr(square_cache, "MEMORY_FILE_SYSTEMS", ())
