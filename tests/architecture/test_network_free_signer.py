"""The signer loads no network code, whatever its dependencies do when imported.

Import contracts see only our own import statements, so a fresh interpreter imports
everything and then looks at what was loaded. In the signer's own environment there
must be nothing to load either.
"""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

IN_SIGNER_ENVIRONMENT = Path(sys.prefix).name == ".venv-signer"

signers_environment = pytest.mark.skipif(
    not IN_SIGNER_ENVIRONMENT, reason="only about the signer's own environment"
)

NETWORK_MODULES = {
    "asyncio",
    "http.client",
    "http.server",
    "socket",
    "ssl",
    "urllib.request",
}

# Some libraries load these by way of others that only developers have installed.
INTERPRETER_MODULES = {"_asyncio", "_socket", "_ssl"}

FOREIGN_DISTRIBUTIONS = {
    "airgap-relay",
    "aiohttp",
    "httpcore",
    "httpx",
    "psycopg",
    "requests",
    "sqlalchemy",
    "urllib3",
    "websockets",
}

IMPORT_EVERYTHING = """
import importlib, json, pkgutil, sys

def fail(name):
    raise

before = set(sys.modules)
names = []
for package_name in ("airgap_shared", "airgap_signer"):
    package = importlib.import_module(package_name)
    for module in pkgutil.walk_packages(package.__path__, package_name + ".", fail):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
            names.append(module.name)
loaded = sorted(set(sys.modules) - before)
print(json.dumps({"before": sorted(before), "names": names, "loaded": loaded}))
"""


@pytest.fixture(scope="module")
def imports():
    command = [sys.executable, "-I", "-c", IMPORT_EVERYTHING]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_interpreter_starts_without_network_code(imports):
    assert NETWORK_MODULES.isdisjoint(imports["before"])


def test_importing_every_signer_module_loads_no_network_code(imports):
    assert imports["names"], "no module was found"
    assert sorted(NETWORK_MODULES.intersection(imports["loaded"])) == []


@signers_environment
def test_in_the_signers_environment_not_even_the_interpreters_sockets_are_loaded(
    imports,
):
    assert sorted(INTERPRETER_MODULES.intersection(imports["loaded"])) == []


@signers_environment
def test_the_signers_environment_holds_no_network_client_and_no_relay():
    names = {found.name.lower() for found in importlib.metadata.distributions()}
    assert {"airgap-signer", "airgap-shared"} <= names
    assert sorted(names & FOREIGN_DISTRIBUTIONS) == []


@signers_environment
def test_the_signers_environment_runs_the_built_wheels():
    for name in ("airgap-signer", "airgap-shared"):
        files = importlib.metadata.files(name) or []
        located = [Path(str(file.locate())) for file in files if file.suffix == ".py"]
        assert located, f"{name} is not installed as a wheel"
        assert all(path.is_relative_to(sys.prefix) for path in located)
