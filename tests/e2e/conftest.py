"""Homes are made once and copied: a copy costs nothing, a key derivation does."""

import pytest

from tests.e2e.world import Forks, copied, found

KEYS = 2


@pytest.fixture(scope="session")
def forks():
    starter = Forks()
    yield starter
    starter.close()


@pytest.fixture(scope="session")
def keys_and_template(forks, tmp_path_factory):
    """Two homes that know each other, before any payment."""
    folder = tmp_path_factory.mktemp("paired") / "world"
    folder.mkdir()
    return found(forks, folder, KEYS), folder


@pytest.fixture
def world(forks, keys_and_template, tmp_path):
    """Two machines that know each other, and a sandbox without coins."""
    keys, template = keys_and_template
    made = copied(forks, template, tmp_path / "world", keys)
    with made.sandbox:
        yield made


@pytest.fixture(scope="session")
def signed_template(forks, keys_and_template, tmp_path_factory):
    """The same with one payment that is signed, but not yet taken in online."""
    keys, template = keys_and_template
    folder = tmp_path_factory.mktemp("signed") / "world"
    made = copied(forks, template, folder, keys)
    with made.sandbox:
        made.fund()
        made.transfer()
        made.sign(made.export())
    return folder


@pytest.fixture
def signed_world(forks, keys_and_template, signed_template, tmp_path):
    """Two machines and the stick with a signed batch, ``signed``."""
    made = copied(forks, signed_template, tmp_path / "world", keys_and_template[0])
    with made.sandbox:
        yield made


@pytest.fixture(scope="session")
def still_world(forks, keys_and_template, signed_template, tmp_path_factory):
    """The same for tests that change nothing, and say so by comparing states."""
    folder = tmp_path_factory.mktemp("still") / "world"
    made = copied(forks, signed_template, folder, keys_and_template[0])
    with made.sandbox:
        yield made
