"""A fresh world for each test."""

import pytest

from tests.relay import world as worlds


@pytest.fixture
def world(tmp_path):
    made = worlds.build(tmp_path / "relay")
    yield made
    made.close()
