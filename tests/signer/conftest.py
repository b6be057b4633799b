"""Signers for the tests: made once, copied for each."""

import functools
import io
import json
import os
import sys
import time
from dataclasses import dataclass

import pytest

from airgap_shared import commandline
from airgap_signer import storage
from tests.signer import stored, world
from tests.signer.cli.pseudo import NAME, PROGRAM


@pytest.fixture(autouse=True, scope="session")
def _passwords_are_derived_once():
    """Remember what each slot and password give: 64 MiB and 0.2 s each time."""
    derive = storage._derive
    storage._derive = functools.cache(derive)
    yield
    storage._derive = derive


@pytest.fixture
def vault():
    """A signer in memory."""
    return world.vault()


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A storage file that no test may change."""
    path = tmp_path_factory.mktemp("storage") / "wallet.airgap"
    storage.create(path, world.PASSWORD, stored.PUBLIC, stored.SECRET, 64)
    return path


@pytest.fixture
def path(made, tmp_path):
    """A copy of the storage file."""
    path = tmp_path / "wallet.airgap"
    path.write_bytes(made.read_bytes())
    return path


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A signer on disk that no test may change."""
    return world.build(tmp_path_factory.mktemp("signer") / "home", int(time.time()))


@pytest.fixture
def home(prepared, tmp_path):
    """A signer on disk."""
    return prepared.copy(tmp_path / "home")


@dataclass(frozen=True)
class Outcome:
    """What a command said and how it ended."""

    status: int
    out: bytes
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        return self.json["error"]


@pytest.fixture
def run(capfdbinary, monkeypatch):
    """Run a command of the program in this process, without a terminal."""
    monkeypatch.delenv("AIRGAP_SIGNER_HOME", raising=False)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    opened = os.open

    def open_(path, *arguments, **more):
        if path == "/dev/tty":
            raise OSError(6, "No such device or address", path)
        return opened(path, *arguments, **more)

    monkeypatch.setattr(os, "open", open_)

    def run(*arguments):
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as caught:
            commandline.run(NAME, PROGRAM, [str(a) for a in arguments])
        out, err = capfdbinary.readouterr()
        assert b"Traceback" not in err
        status = caught.value.code
        assert isinstance(status, int)
        return Outcome(status, out, err.decode())

    return run


@pytest.fixture
def signer(run, home):
    """Run a command on the home's signer, password included, and answer in JSON."""

    def signer(*arguments):
        common = ("--home", home.path, "--password-file", home.password_file)
        return run(*common, "--json", *arguments)

    return signer
