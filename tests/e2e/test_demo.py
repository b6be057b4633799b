"""The demo is what a newcomer runs first: it must work, and leave nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

DEMO = Path(__file__).with_name("demo.py")


BROKEN = """
import runpy, sys
sys.argv = ["demo.py"]
demo = runpy.run_path({demo!r})
demo["prepare"].__globals__["SIGNER"] = ("false",)
sys.exit(demo["main"]())
"""


def play(folder, *command):
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_demo_completes_a_payment_and_cleans_up(tmp_path):
    done = play(tmp_path, str(DEMO))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "COMPLETED" in done.stdout.splitlines()[-2]
    assert "\033" not in done.stdout, "no colours without a terminal"
    assert running_in(tmp_path) == list(tmp_path.iterdir()) == []


def test_a_demo_that_goes_wrong_says_so_and_leaves_no_process(tmp_path):
    done = play(tmp_path, "-c", BROKEN.format(demo=str(DEMO)))
    assert done.returncode == 1
    assert "the demo failed: DemoError('exit status is 1" in done.stderr
    assert running_in(tmp_path) == list(tmp_path.iterdir()) == []


def running_in(folder):
    """Command lines of processes that work in ``folder``."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve().is_relative_to(folder):
                found.append((process / "cmdline").read_bytes())
        except OSError:
            continue  # it ended, or is somebody else's
    return found
