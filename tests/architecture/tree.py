"""The files of this project, and which of its modules are edges."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

PACKAGES = {
    name: ROOT / name.removeprefix("airgap_") / "src" / name
    for name in ("airgap_shared", "airgap_signer", "airgap_relay")
}

EDGES = {
    "airgap_shared": {
        "commandline",
        "files",
        "qr.camera",
        "qr.reader",
        "qr.screen",
    },
    "airgap_signer": {
        "airgap",
        "cli",
        "journal",
        "selftest",
        "session",
        "storage",
        "tatum_wallet",
        "terminal",
    },
    "airgap_relay": {"cli", "config", "journal", "sandbox", "service", "tatum"},
}
"""Modules and packages that may touch the machine, without their package's name.

The same list stands in pyproject.toml, as exceptions from the banned imports.
"""


@dataclass(frozen=True)
class Module:
    """One source file of one of the three packages."""

    package: str
    path: Path

    @property
    def parts(self) -> tuple[str, ...]:
        """Where the module stands in its package; empty for the package itself."""
        parts = self.path.relative_to(PACKAGES[self.package]).with_suffix("").parts
        return parts[:-1] if parts[-1] == "__init__" else parts

    @property
    def name(self) -> str:
        """The dotted name, as an import would write it."""
        return ".".join((self.package, *self.parts))

    @property
    def is_edge(self) -> bool:
        """Whether the module, or a package that it lies in, is declared an edge."""
        prefixes = (self.parts[:end] for end in range(1, len(self.parts) + 1))
        return any(".".join(prefix) in EDGES[self.package] for prefix in prefixes)


def modules(package: str) -> list[Module]:
    """All modules of ``package``, in a fixed order."""
    return [Module(package, path) for path in sorted(PACKAGES[package].rglob("*.py"))]


def tracked_files() -> list[Path]:
    """What git would carry into a clone, as paths from the root."""
    # A container often runs as another user than the owner of the checkout.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    names = listing.stdout.decode().split("\0")
    return [Path(name) for name in names if name and (ROOT / name).is_file()]
