"""Bundles are built once: each takes some seconds."""

import os
import platform
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

PYTHON = "{}.{}".format(*sys.version_info)
BUNDLER = ROOT / "build" / "bundler"

# make tells its children about itself; these are not its children.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("MAKE", "MFLAGS", "BUNDLE_", "PYTEST_"))
}


def make(*arguments):
    """Run make in this project."""
    command = ["make", *map(str, arguments)]
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def built(tree, out, machine=None, signer_lock=None, **more):
    """Run the builder of ``tree``, with the tools and the lock of this project."""
    command = [
        BUNDLER / "bin" / "python",
        tree / "signer" / "bundle" / "build.py",
        *("--signer-lock", signer_lock or BUNDLER / "pylock.signer.toml"),
        *("--tools-lock", BUNDLER / "pylock.bundle.toml"),
        *("--python", PYTHON),
        *("--machine", machine or platform.machine()),
        *("--out", out),
    ]
    return subprocess.run(
        command, check=False, env=ENVIRONMENT, capture_output=True, text=True, **more
    )


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """The sources that a bundle is made of, where nobody changes them."""
    if platform.machine() not in {"x86_64", "aarch64"}:
        pytest.skip(f"there is no bundle for {platform.machine()}")
    make("build/bundler/.complete")
    copy = tmp_path_factory.mktemp("sources") / "one"
    for part in ("shared", "signer"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, copy / part, ignore=ignored)
    shutil.copy(ROOT / "LICENSE", copy)
    return copy


@pytest.fixture(scope="session")
def bundle(tree, tmp_path_factory):
    """The tar file for this machine."""
    out = tmp_path_factory.mktemp("bundle")
    done = built(tree, out)
    assert done.returncode == 0, done.stderr
    (path,) = out.iterdir()
    return path


@pytest.fixture(scope="session")
def unpacked(bundle, tmp_path_factory):
    """The folder in the tar file, which no test may change."""
    folder = tmp_path_factory.mktemp("stick")
    with tarfile.open(bundle) as tar:
        tar.extractall(folder, filter="data")
    (found,) = folder.iterdir()
    return found


def isolation():
    """Return what starts a command in an empty network namespace, if anything does."""
    for start in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        try:
            done = subprocess.run([*start, "true"], check=False, capture_output=True)
        except FileNotFoundError:
            continue
        if done.returncode == 0:
            return start
    return []


@dataclass(frozen=True)
class Machine:
    """The offline machine: an empty home, and no network where that can be had."""

    home: Path
    isolation: list[str]

    def run(self, *command, **environment):
        variables = {
            "HOME": str(self.home),
            "PATH": "/usr/bin:/bin",
            "PYTHON": sys._base_executable,  # type: ignore[attr-defined]
            **environment,
        }
        return subprocess.run(
            [*self.isolation, *map(str, command)],
            check=False,
            cwd=self.home,
            env=variables,
            capture_output=True,
            text=True,
        )

    def install(self, folder, *arguments, **environment):
        return self.run("sh", folder / "install.sh", *arguments, **environment)

    def signer(self, *arguments):
        return self.run(self.home / "airgap-signer/bin/airgap-signer", *arguments)


def machine_in(folder):
    home = folder / "an empty home"
    home.mkdir()
    return Machine(home, isolation())


@pytest.fixture
def machine(tmp_path):
    return machine_in(tmp_path)


@pytest.fixture(scope="session")
def installed(unpacked, tmp_path_factory):
    """A machine on which the signer was installed, and what the installer said."""
    machine = machine_in(tmp_path_factory.mktemp("offline"))
    return machine, machine.install(unpacked)
