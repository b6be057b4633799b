"""One target for a bounded time, in a process of its own with bounded memory.

Ends with a status other than 0 at the first finding, whose input it keeps.
"""

import argparse
import hashlib
import importlib
import importlib.util
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from tests.fuzz.mutation import MAX_BYTES, mutations

MAX_MEMORY = 2 * 1024**3
"""Bytes of address space: above, an allocation fails, and that is a finding."""

MAX_RESIDENT_MIB = 1024
"""Memory of the whole process, libraries and what the engine remembers included."""

MAX_INPUT_SECONDS = 10
"""An input that takes longer is a finding."""

INSTRUMENTED = ["airgap_shared", "airgap_signer", "embit", "tomllib"]

ENGINE = "atheris" if importlib.util.find_spec("atheris") else "mutator"

EXECUTIONS = "stat::number_of_executed_units:"
"""How libFuzzer says what it did; the mutator says it likewise."""


def give_up(*_):
    raise TimeoutError(f"one input took over {MAX_INPUT_SECONDS} s")


def run_mutator(target, seconds, findings):
    """Feed ``target`` with our own mutations until the first finding."""
    seed = int.from_bytes(os.urandom(4), "big")
    inputs = mutations(target.seeds(), Random(seed))
    executions, started = 0, time.monotonic()
    signal.signal(signal.SIGALRM, give_up)
    data = b""
    try:
        while time.monotonic() - started < seconds:
            data = next(inputs)
            executions += 1
            signal.alarm(MAX_INPUT_SECONDS)
            target.feed(data)
    except BaseException:
        name = f"crash-{hashlib.sha256(data).hexdigest()[:16]}"
        (findings / name).write_bytes(data)
        print(f"seed {seed}, input {findings / name}", file=sys.stderr)
        raise
    finally:
        signal.alarm(0)
        print(EXECUTIONS, executions, file=sys.stderr)


def run_atheris(atheris, target, seconds, findings):
    """Feed ``target`` with what reaches new code. Does not return."""
    corpus = Path(tempfile.mkdtemp(prefix="airgap-corpus-"))
    for number, seed in enumerate(target.seeds()):
        (corpus / str(number)).write_bytes(seed)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={MAX_BYTES}",
        f"-timeout={MAX_INPUT_SECONDS}",
        f"-rss_limit_mb={MAX_RESIDENT_MIB}",
        f"-artifact_prefix={findings}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(corpus)], target.feed)
    atheris.Fuzz()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, required=True)
    parser.add_argument("--findings", type=Path, required=True)
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    if ENGINE == "mutator":
        targets = importlib.import_module("tests.fuzz.targets").TARGETS
        run_mutator(targets[given.target], given.seconds, given.findings)
    else:
        atheris = importlib.import_module("atheris")
        with atheris.instrument_imports(include=INSTRUMENTED):
            targets = importlib.import_module("tests.fuzz.targets").TARGETS
        target = targets[given.target]
        run_atheris(atheris, target, given.seconds, given.findings)


if __name__ == "__main__":
    main()
