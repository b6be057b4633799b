"""Installing on a machine that has no network, from a bundle that may be damaged."""

import hashlib
import json
import os
import shutil

import pytest

LISTING = "import importlib.metadata as m; print([d.name for d in m.distributions()])"


@pytest.fixture
def stick(unpacked, tmp_path):
    """A copy of the bundle's folder that a test may change."""
    return shutil.copytree(unpacked, tmp_path / "the stick" / unpacked.name)


def a_wheel(folder):
    return min((folder / "wheels").glob("embit-*.whl"))


def changed(folder):
    wheel = a_wheel(folder)
    data = bytearray(wheel.read_bytes())
    data[len(data) // 2] ^= 1
    wheel.write_bytes(data)
    return f"changed since the bundle was built: wheels/{wheel.name}"


def missing(folder):
    a_wheel(folder).unlink()
    return f"missing: wheels/{a_wheel_name(folder)}"


def a_wheel_name(folder):
    lines = (folder / "SHA256SUMS").read_text().split()
    return next(word[7:] for word in lines if word.startswith("wheels/embit-"))


def extra(folder):
    (folder / "wheels" / "click-99.0-py3-none-any.whl").write_bytes(b"newer")
    return "not a part of the bundle: wheels/click-99.0-py3-none-any.whl"


def linked(folder):
    wheel = a_wheel(folder)
    wheel.rename(folder.parent / wheel.name)
    wheel.symlink_to(folder.parent / wheel.name)
    return f"missing: wheels/{wheel.name}"


def an_extra_link(folder):
    (folder / "sitecustomize.py").symlink_to("LICENSE")
    return "not a part of the bundle: sitecustomize.py"


def without_sums(folder):
    (folder / "SHA256SUMS").unlink()
    return "SHA256SUMS is missing"


def shortened_sums(folder):
    """A line that sha256sum would skip without a word."""
    sums = folder / "SHA256SUMS"
    name = a_wheel(folder).name
    lines = sums.read_text().splitlines()
    cut = (line[60:] if line.endswith(name) else line for line in lines)
    sums.write_text("\n".join(cut) + "\n")
    changed(folder)
    return "SHA256SUMS has a line that is none of ours"


def unlisted(folder):
    sums = folder / "SHA256SUMS"
    lines = [line for line in sums.read_text().splitlines() if "embit" not in line]
    sums.write_text("\n".join(lines) + "\n")
    return f"not a part of the bundle: wheels/{a_wheel(folder).name}"


@pytest.mark.parametrize(
    "damage",
    [
        changed,
        missing,
        extra,
        linked,
        an_extra_link,
        without_sums,
        shortened_sums,
        unlisted,
    ],
    ids=lambda damage: damage.__name__,
)
def test_a_damaged_bundle_is_refused_and_leaves_nothing(damage, stick, machine):
    sentence = damage(stick)
    done = machine.install(stick)
    assert done.returncode == 1
    assert f"install.sh: error: {sentence}" in done.stderr
    assert "carry the tar file over again" in done.stderr
    assert list(machine.home.iterdir()) == []


def test_a_wheel_that_was_changed_together_with_its_sum_is_refused_too(stick, machine):
    wheel = a_wheel(stick)
    before = hashlib.sha256(wheel.read_bytes()).hexdigest()
    changed(stick)
    after = hashlib.sha256(wheel.read_bytes()).hexdigest()
    sums = stick / "SHA256SUMS"
    sums.write_text(sums.read_text().replace(before, after))
    done = machine.install(stick)
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert "install.sh: error: the wheels could not be installed" in done.stderr
    assert list(machine.home.iterdir()) == []


def test_an_existing_folder_is_left_as_it_is(unpacked, machine):
    prefix = machine.home / "airgap-signer"
    prefix.mkdir()
    done = machine.install(unpacked)
    assert done.returncode == 1
    assert f"{prefix} exists already; nothing is overwritten" in done.stderr
    assert list(prefix.iterdir()) == []


def test_another_python_is_refused(unpacked, machine):
    done = machine.install(unpacked, PYTHON="/bin/true")
    assert done.returncode == 1
    assert "error: this bundle is for Python" in done.stderr
    assert list(machine.home.iterdir()) == []


@pytest.mark.parametrize("arguments", [["one", "two"], ["--help"], [""]])
def test_anything_but_one_folder_is_refused(unpacked, machine, arguments):
    done = machine.install(unpacked, *arguments)
    assert done.returncode == 1
    assert "hint: sh install.sh [PREFIX]" in done.stderr
    assert list(machine.home.iterdir()) == []


def test_the_machine_has_no_network_at_all(machine):
    if not machine.isolation:
        pytest.skip("this machine permits no empty network namespace")
    lines = machine.run("cat", "/proc/net/dev").stdout.splitlines()[2:]
    assert [line.partition(":")[0].strip() for line in lines] == ["lo"]
    assert machine.run("cat", "/proc/net/route").stdout.count("\n") <= 1


def test_it_installs_and_passes_its_self_test(installed):
    machine, done = installed
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (
        "passed: library, ecdsa, ed25519, aes_gcm, argon2id, derivation" in done.stdout
    )
    assert f"Installed in {machine.home}/airgap-signer." in done.stdout
    assert [path.name for path in machine.home.iterdir()] == ["airgap-signer"]


def test_what_was_installed_holds_no_network_client(installed):
    machine, _ = installed
    python = machine.home / "airgap-signer" / "bin" / "python"
    found = machine.run(python, "-I", "-c", LISTING).stdout
    assert "'airgap-signer'" in found
    for name in ("pip", "requests", "setuptools", "urllib3", "airgap-relay"):
        assert f"'{name}'" not in found


def test_the_installed_signer_works(installed, tmp_path):
    machine, _ = installed
    password = tmp_path / "password"
    password.write_text("correct horse battery\n")
    os.chmod(password, 0o600)
    common = ("--home", tmp_path / "state", "--password-file", password, "--json")
    assert "Usage: airgap-signer" in machine.signer("--help").stdout
    assert machine.signer("selftest").returncode == 0
    made = machine.signer(*common, "init", "--kdf-memory", "64")
    assert made.returncode == 0, made.stderr
    assert len(json.loads(made.stdout)["fingerprint"]) == 64
    address = machine.signer(*common, "generatemanagedwallet", "BTC", "--testnet")
    assert address.returncode == 0, address.stderr
