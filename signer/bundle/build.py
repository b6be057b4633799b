"""Build the bundle: one tar file with everything the offline machine installs.

What goes in is decided by uv.lock alone: each library's wheel for one Python and one
processor, compared with its hash on the way. Libraries without a wheel are built here
from their locked source, and so are signer and shared. The same sources give the same
bytes on every machine: the wheels made here are packed anew, uncompressed, and every
entry has one date, owner and mode. See ``docs/guides/bundle.md``.
"""

import argparse
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

EPOCH = 1_580_601_600
"""The date of every entry, 2020-02-02; hatchling's too."""

WHEEL_DATE = (2020, 2, 2, 0, 0, 0)

NEWEST_GLIBC = 28
"""Minor version of the newest glibc 2 that a wheel may ask for: Debian 10's."""

LEGACY_PLATFORMS = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""Older names of some platforms (PEP 600)."""

MACHINES = ("x86_64", "aarch64")
"""Processors that the signer has a known native library for."""


@dataclass(frozen=True)
class Target:
    """The machine that the bundle is for."""

    python: str
    machine: str

    @property
    def interpreter(self) -> str:
        """The interpreter as wheels name it, ``cp311``."""
        return "cp" + self.python.replace(".", "")

    @property
    def platforms(self) -> list[str]:
        """The platforms that wheels may be for, the best one first."""
        names = []
        for minor in range(NEWEST_GLIBC, 4, -1):
            names.append(f"manylinux_2_{minor}_{self.machine}")
            if minor in LEGACY_PLATFORMS:
                names.append(f"{LEGACY_PLATFORMS[minor]}_{self.machine}")
        return names

    @property
    def tags(self) -> list[Tag]:
        """What a wheel may be made for, the best one first."""
        major, minor = map(int, self.python.split("."))
        native = cpython_tags((major, minor), platforms=self.platforms)
        pure = compatible_tags((major, minor), self.interpreter, self.platforms)
        return [*native, *pure]

    def needs(self, package: dict[str, Any]) -> bool:
        """Whether the lock's ``package`` is for this machine."""
        environment = {
            "platform_machine": self.machine,
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
        }
        marker = package.get("marker")
        return marker is None or Marker(marker).evaluate(environment)


@dataclass(frozen=True)
class Locked:
    """One library as uv.lock has it: which file, and that file's hash."""

    name: str
    version: str
    sha256: str
    is_source: bool

    @property
    def requirement(self) -> str:
        """The line that makes pip take this file and no other."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def locked(lock: Path, target: Target) -> list[Locked]:
    """Return the libraries that ``lock`` (pylock.toml) has for ``target``."""
    packages = tomllib.loads(lock.read_text())["packages"]
    ranks = {tag: rank for rank, tag in enumerate(target.tags)}
    return [choose(package, ranks) for package in packages if target.needs(package)]


def choose(package: dict[str, Any], ranks: dict[Tag, int]) -> Locked:
    """Return the best wheel of ``package``, or its source when it has no wheels."""
    name, version = package["name"], package["version"]
    if not package.get("wheels"):
        digest = package["sdist"]["hashes"]["sha256"]
        return Locked(name, version, digest, is_source=True)
    fitting = {}
    for wheel in package["wheels"]:
        *_, tags = parse_wheel_filename(wheel["url"].rpartition("/")[2])
        if known := [ranks[tag] for tag in tags if tag in ranks]:
            fitting[min(known)] = wheel["hashes"]["sha256"]
    if not fitting:
        raise SystemExit(f"error: {name} {version} has no wheel for this target")
    return Locked(name, version, fitting[min(fitting)], is_source=False)


def pip(command: str, *arguments: str | Path) -> None:
    """Run pip; what it installs from is what pip is configured to use."""
    environment = os.environ | {
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": str(EPOCH),
    }
    fixed = ("--quiet", "--disable-pip-version-check", "--no-deps")
    line = [sys.executable, "-m", "pip", command, *fixed, *map(str, arguments)]
    done = subprocess.run(line, check=False, cwd=ROOT, env=environment)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"error: pip {command} failed")


def requirements(libraries: Iterable[Locked], folder: Path) -> tuple[str | Path, ...]:
    """Write ``libraries`` into a file; return the options that make pip read it."""
    path = folder / "requirements.txt"
    path.write_text("".join(f"{library.requirement}\n" for library in libraries))
    return "--require-hashes", "--requirement", path


def download(libraries: list[Locked], target: Target, folder: Path) -> dict[str, bytes]:
    """Return the wheels of ``libraries``; pip compares their hashes."""
    platforms = [f"--platform={name}" for name in target.platforms]
    abis = [f"--abi={name}" for name in (target.interpreter, "abi3", "none")]
    pip(
        "download",
        *requirements(libraries, folder),
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={target.python}",
        *abis,
        *platforms,
        "--dest",
        folder / "wheels",
    )
    return {path.name: path.read_bytes() for path in (folder / "wheels").iterdir()}


def build(libraries: list[Locked], folder: Path) -> dict[str, bytes]:
    """Return the wheels of ``libraries``, of signer and of shared, built here.

    pip compares the source's hash before anything of it runs. Building without
    isolation uses the tools that are installed here by hash, and without cache
    takes no wheel that other tools made.
    """
    common = (
        "--no-build-isolation",
        "--no-cache-dir",
        "--wheel-dir",
        folder / "wheels",
    )
    if libraries:
        sources = requirements(libraries, folder)
        pip("wheel", "--no-binary=:all:", *common, *sources)
    pip("wheel", *common, ROOT / "shared", ROOT / "signer")
    wheels = sorted((folder / "wheels").iterdir())
    for path in wheels:
        if not path.name.endswith("-none-any.whl"):
            raise SystemExit(f"error: {path.name} holds code of this machine")
    return {path.name: packed_anew(path) for path in wheels}


def packed_anew(wheel: Path) -> bytes:
    """Return the bytes of ``wheel`` without what its builder's machine left there."""
    made = io.BytesIO()
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(made, "w") as new:
        for name in sorted(old.namelist()):
            entry = zipfile.ZipInfo(name, WHEEL_DATE)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            new.writestr(entry, old.read(name))
    return made.getvalue()


def sha256(data: bytes) -> str:
    """Return the SHA-256 of ``data``, hex."""
    return hashlib.sha256(data).hexdigest()


def requirement_of(wheel: str, data: bytes) -> str:
    """Return the line of the bundle's own requirements for a wheel in it."""
    name, version, *_ = parse_wheel_filename(wheel)
    return f"{name}=={version} --hash=sha256:{sha256(data)}\n"


def contents(
    wheels: dict[str, bytes], installer: dict[str, bytes], target: Target
) -> dict[str, bytes]:
    """Return every file of the bundle by its name."""
    values = {"@PYTHON@": target.python, "@MACHINE@": target.machine}
    files = {"LICENSE": (ROOT / "LICENSE").read_bytes()}
    for name in ("README.txt", "install.sh"):
        text = (HERE / name).read_text()
        for placeholder, value in values.items():
            text = text.replace(placeholder, value)
        files[name] = text.encode()
    lines = (requirement_of(name, data) for name, data in sorted(wheels.items()))
    files["requirements.txt"] = "".join(lines).encode()
    files |= {f"wheels/{name}": data for name, data in wheels.items()}
    files |= {f"installer/{name}": data for name, data in installer.items()}
    sums = (f"{sha256(data)}  {name}\n" for name, data in sorted(files.items()))
    files["SHA256SUMS"] = "".join(sums).encode()
    return files


def archive(folder: str, files: dict[str, bytes]) -> bytes:
    """Return a tar file with ``files`` in ``folder``, the same bytes every time."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime = len(data), EPOCH
            entry.mode = 0o755 if name == "install.sh" else 0o644
            tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def make(signer_lock: Path, tools_lock: Path, target: Target, out: Path) -> None:
    """Write the bundle for ``target`` into the folder ``out`` and say what it is."""
    libraries = locked(signer_lock, target)
    pip_itself = [each for each in locked(tools_lock, target) if each.name == "pip"]
    with tempfile.TemporaryDirectory() as temporary:
        folders = [Path(temporary, part) for part in ("ready", "built", "installer")]
        for folder in folders:
            folder.mkdir()
        ready, built, installer = folders
        wheels = download(
            [lib for lib in libraries if not lib.is_source], target, ready
        )
        wheels |= build([lib for lib in libraries if lib.is_source], built)
        files = contents(wheels, download(pip_itself, target, installer), target)
    project = tomllib.loads((ROOT / "signer" / "pyproject.toml").read_text())["project"]
    name = f"airgap-signer-{project['version']}-{target.interpreter}-{target.machine}"
    data = archive(name, files)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.tar"
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)
    print(f"{path}: {len(wheels)} wheels, {len(data) / 1e6:.1f} MB")
    print(f"SHA-256 {sha256(data)}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="build the signer's offline bundle")
    parser.add_argument("--signer-lock", type=Path, required=True)
    parser.add_argument("--tools-lock", type=Path, required=True)
    parser.add_argument("--python", default="3.11")
    parser.add_argument("--machine", choices=MACHINES, default="x86_64")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    target = Target(given.python, given.machine)
    make(given.signer_lock, given.tools_lock, target, given.out)


if __name__ == "__main__":
    main()
