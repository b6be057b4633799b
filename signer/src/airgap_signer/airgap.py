"""An edge: how this machine is set up, as far as the system tells.

Only looks; whether to go on is for the caller.
"""

import os
import platform
import resource
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Observation:
    """One fact about the machine, and whether it is as it should be."""

    name: str
    is_good: bool
    found: str


def observe(home: Path) -> list[Observation]:
    """Return what can be seen without a password."""
    return [
        _interfaces(),
        _default_route(),
        _swap(),
        _core_dumps(),
        _folder(home),
        Observation("python", is_good=True, found=platform.python_version()),
    ]


def _interfaces() -> Observation:
    """Name interfaces other than loopback that are up (sysfs ``operstate``)."""
    up = [
        interface.name
        for interface in sorted(Path("/sys/class/net").glob("*"))
        if interface.name != "lo" and _first_word(interface / "operstate") == "up"
    ]
    return Observation("network", not up, ", ".join(up) or "no interface is up")


def _default_route() -> Observation:
    """Look for a destination of zero in the routing table (proc(5))."""
    lines = _lines(Path("/proc/net/route"))[1:]
    routes = [line.split()[0] for line in lines if line.split()[1:2] == ["00000000"]]
    return Observation("route", not routes, ", ".join(routes) or "no default route")


def _swap() -> Observation:
    """Look for swap, where memory with keys could land (proc(5))."""
    areas = [line.split()[0] for line in _lines(Path("/proc/swaps"))[1:]]
    return Observation("swap", not areas, ", ".join(areas) or "no swap")


def _core_dumps() -> Observation:
    limit, _ = resource.getrlimit(resource.RLIMIT_CORE)
    return Observation("core dumps", limit == 0, f"limit {limit}")


def _folder(home: Path) -> Observation:
    if not home.exists():
        return Observation("folder", is_good=False, found=f"{home} does not exist")
    status = home.stat()
    mode = stat.S_IMODE(status.st_mode)
    is_good = mode & (stat.S_IRWXG | stat.S_IRWXO) == 0 and status.st_uid == os.getuid()
    return Observation("folder", is_good, f"{home} has mode {mode:o}")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def _first_word(path: Path) -> str:
    lines = _lines(path)
    return lines[0].strip() if lines else ""
