"""Three distributions, one version, and nothing at the root that is not planned."""

import re
import tomllib

import pytest

from tests.architecture.tree import PACKAGES, ROOT, tracked_files

SIGNER_NEEDS = {
    "cffi",
    "click",
    "cryptography",
    "embit",
    "msgspec",
    "pillow",
    "pycparser",
    "pycryptodome",
    "pyzbar",
    "qrcode",
    "zxing-cpp",
}
"""All that the offline machine installs besides our own: each one is audited."""

DISTRIBUTIONS = ("shared", "signer", "relay")

TOP_LEVEL = {
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "docs",
    "pyproject.toml",
    "relay",
    "shared",
    "signer",
    "tests",
    "uv.lock",
}

PUBLIC_INDEX = ("https://pypi.org/", "https://files.pythonhosted.org/")


def project(distribution):
    text = (ROOT / distribution / "pyproject.toml").read_text()
    return tomllib.loads(text)["project"]


def test_the_three_distributions_have_one_version():
    assert len({project(name)["version"] for name in DISTRIBUTIONS}) == 1


def test_the_three_distributions_need_the_same_python():
    assert {project(name)["requires-python"] for name in DISTRIBUTIONS} == {">=3.11"}


@pytest.mark.parametrize("name", ["signer", "relay"])
def test_each_side_asks_for_exactly_the_contract_it_was_made_with(name):
    version = project("shared")["version"]
    assert f"airgap-shared[cli,qr]=={version}" in project(name)["dependencies"]


def test_the_root_is_not_a_distribution():
    assert "project" not in tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_says_that_it_is_typed():
    assert all((folder / "py.typed").is_file() for folder in PACKAGES.values())


def test_the_root_holds_only_what_is_planned():
    names = {path.parts[0] for path in tracked_files()}
    visible = {name for name in names if not name.startswith(".")}
    assert sorted(visible - TOP_LEVEL) == []


def test_the_lock_names_only_the_public_index():
    addresses = re.findall(r'"([a-z+]+://[^"]*)"', (ROOT / "uv.lock").read_text())
    assert addresses
    assert [text for text in addresses if not text.startswith(PUBLIC_INDEX)] == []


def test_the_signer_needs_exactly_the_libraries_that_were_agreed_on():
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    locked = {package["name"]: package for package in packages}
    needed, waiting = set(), [{"name": "airgap-signer"}]
    while waiting:
        wanted = waiting.pop()
        if wanted["name"] not in needed:
            package = locked[wanted["name"]]
            waiting += package.get("dependencies", [])
            for extras in package.get("optional-dependencies", {}).values():
                waiting += extras if wanted["name"] == "airgap-shared" else []
        needed.add(wanted["name"])
    assert needed - {"airgap-signer", "airgap-shared"} == SIGNER_NEEDS


def test_every_locked_file_has_a_hash():
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    files = [
        file
        for package in packages
        for file in [*package.get("wheels", []), package.get("sdist")]
        if file
    ]
    assert files
    assert all(file["hash"].startswith("sha256:") for file in files)
