"""What the bundle holds, and that a second person gets the same."""

import hashlib
import os
import platform
import shutil
import tarfile
import tomllib

import pytest

from tests.architecture.test_packaging import SIGNER_NEEDS
from tests.architecture.tree import ROOT
from tests.bundle.conftest import BUNDLER, built, make

OURS = {"airgap-shared", "airgap-signer"}
BUILT_HERE = {*OURS, "embit"}


def wheels_of(folder):
    """Digest of each wheel by its project's name."""
    return {
        path.name.partition("-")[0].replace("_", "-").lower(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in (folder / "wheels").iterdir()
    }


def test_a_second_person_builds_the_same_bytes(tree, bundle, tmp_path):
    other = tmp_path / "another place"
    shutil.copytree(tree, other, copy_function=shutil.copyfile)
    for path in other.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    done = built(other, tmp_path / "out", umask=0o077)
    assert done.returncode == 0, done.stderr
    (second,) = (tmp_path / "out").iterdir()
    assert second.name == bundle.name
    assert second.read_bytes() == bundle.read_bytes()
    assert hashlib.sha256(second.read_bytes()).hexdigest() in done.stdout


def test_the_archive_says_nothing_of_the_machine_that_made_it(bundle):
    with tarfile.open(bundle) as tar:
        entries = tar.getmembers()
    assert [entry.name for entry in entries] == sorted(e.name for e in entries)
    assert {entry.name.partition("/")[0] for entry in entries} == {bundle.stem}
    for entry in entries:
        assert entry.isreg()
        assert (entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, "", "")
        assert entry.mtime == 1_580_601_600
        assert entry.mode == (0o755 if entry.name.endswith("/install.sh") else 0o644)


def test_it_holds_the_signer_and_all_that_it_needs_and_nothing_else(unpacked):
    assert set(wheels_of(unpacked)) == SIGNER_NEEDS | OURS
    names = {path.name.partition("-")[0] for path in unpacked.iterdir()}
    assert names == {
        *("LICENSE", "README.txt", "SHA256SUMS", "install.sh", "requirements.txt"),
        *("installer", "wheels"),
    }


def test_downloaded_wheels_are_those_of_the_lock(unpacked):
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    wheels = wheels_of(unpacked)
    for package in packages:
        digest = wheels.get(package["name"])
        if digest is not None and package["name"] not in BUILT_HERE:
            known = {wheel["hash"] for wheel in package["wheels"]}
            assert f"sha256:{digest}" in known


def test_the_requirements_name_each_wheel_with_the_hash_that_it_has_here(unpacked):
    found = {}
    for line in (unpacked / "requirements.txt").read_text().splitlines():
        requirement, _, digest = line.partition(" --hash=sha256:")
        found[requirement.partition("==")[0]] = digest
    assert found == wheels_of(unpacked)


def test_the_sums_are_of_every_other_file(unpacked):
    lines = (unpacked / "SHA256SUMS").read_text().splitlines()
    listed = {line[66:]: line[:64] for line in lines}
    found = {
        str(path.relative_to(unpacked)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in unpacked.rglob("*")
        if path.is_file() and path.name != "SHA256SUMS"
    }
    assert listed == found


def test_a_source_with_another_hash_than_the_locks_is_not_built(tree, tmp_path):
    text = (BUNDLER / "pylock.signer.toml").read_text()
    packages = tomllib.loads(text)["packages"]
    (embit,) = (package for package in packages if package["name"] == "embit")
    digest = embit["sdist"]["hashes"]["sha256"]
    lock = tmp_path / "pylock.toml"
    lock.write_text(text.replace(digest, "0" * 64))
    done = built(tree, tmp_path / "out", signer_lock=lock)
    assert done.returncode == 1
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("tree")
def test_make_builds_it_for_another_processor(tmp_path, machine):
    other = "x86_64" if platform.machine() == "aarch64" else "aarch64"
    out = tmp_path / "out"
    said = make("bundle", f"BUNDLE_ARCH={other}", f"BUNDLE_DIR={out}")
    (path,) = out.iterdir()
    assert path.name.endswith(f"-cp311-{other}.tar")
    assert str(path) in said
    with tarfile.open(path) as tar:
        names = tar.getnames()
        tar.extractall(tmp_path / "stick", filter="data")
    assert [name for name in names if platform.machine() in name] == []
    (folder,) = (tmp_path / "stick").iterdir()
    done = machine.install(folder)
    assert done.returncode == 1
    assert f"error: this bundle is for {other}, this machine is" in done.stderr
    assert list(machine.home.iterdir()) == []
