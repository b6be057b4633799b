"""The program as a process of its own: with a person at a terminal, or with none."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass

from airgap_signer import cli

NAME = cli.PROGRAM
PROGRAM = cli.group()
"""Made once, as in a process: making it adds its options to the commands."""

SECONDS = 60


@dataclass(frozen=True)
class Seen:
    """How a process ended, its stdout, and what stood on the terminal."""

    status: int
    out: bytes
    screen: str


def command(*arguments):
    return [sys.executable, "-m", "airgap_signer.cli", *map(str, arguments)]


def without_terminal(*arguments):
    """Run a command that can ask nobody."""
    done = subprocess.run(
        command(*arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
        start_new_session=True,
    )
    return Seen(done.returncode, done.stdout, done.stderr.decode())


def at_terminal(*arguments, answers):
    """Run a command whose questions are answered: ``[(pattern, answer)]`` in order.

    An answer may be a function of the match.
    """
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        command(*arguments),
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    waiting, screen, read_to = list(answers), "", 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        ready, _, _ = select.select([controller], [], [], 0.1)
        try:
            data = os.read(controller, 4096) if ready else b""
        except OSError:  # the other end is closed
            break
        screen += data.decode()
        if waiting and (found := re.search(waiting[0][0], screen[read_to:])):
            _, answer = waiting.pop(0)
            read_to += found.end()
            text = answer(found) if callable(answer) else answer
            os.write(controller, text.encode() + b"\n")
        if not data and process.poll() is not None:
            break
    out, _ = process.communicate(timeout=SECONDS)
    os.close(controller)
    assert not waiting, (waiting, screen)
    assert "Traceback" not in screen
    return Seen(process.returncode, out, screen)
