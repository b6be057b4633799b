"""Every target for a bounded time, one after another, and a table of what was found."""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import ENGINE, EXECUTIONS

ROW = "{:<16} {:>12} {:>10} {:>9}"
TAIL = 40
"""Lines of a worker's output that are shown for a finding."""


NOISE = ("INFO: ", "WARNING: ", "#", "stat::")
"""How lines begin by which the engine speaks of itself."""


def soak(name, seconds, findings):
    """Run one target; return what the worker did, whether it ended well, its words."""
    folder = findings / name
    folder.mkdir(parents=True, exist_ok=True)
    line = [sys.executable, "-m", "tests.fuzz.worker", name]
    options = ["--seconds", str(seconds), "--findings", str(folder)]
    with tempfile.TemporaryDirectory() as temporary:
        done = subprocess.run(
            [*line, *options],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=os.environ | {"TMPDIR": temporary},
        )
    counted = re.findall(f"{EXECUTIONS} *([0-9]+)", done.stdout)
    if not any(folder.iterdir()):
        folder.rmdir()
    return int(counted[-1]) if counted else 0, done.returncode == 0, done.stdout


def main():
    parser = argparse.ArgumentParser(description="feed every parser random input")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--findings", type=Path, default=Path("build/findings"))
    parser.add_argument("targets", nargs="*", help=f"of: {', '.join(TARGETS)}")
    given = parser.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}")
    print(f"{given.seconds} s a target, by {ENGINE}")
    print(ROW.format("target", "executions", "per second", "findings"))
    failed = {}
    for name in given.targets or TARGETS:
        started = time.monotonic()
        executions, is_clean, said = soak(name, given.seconds, given.findings)
        speed = executions / (time.monotonic() - started)
        found = 0 if is_clean else 1
        print(ROW.format(name, executions, f"{speed:.0f}", found), flush=True)
        if not is_clean:
            failed[name] = said
    for name, said in failed.items():
        print(f"\n{name}: the input is in {given.findings / name}")
        words = [line for line in said.splitlines() if not line.startswith(NOISE)]
        print("\n".join(words[-TAIL:]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
