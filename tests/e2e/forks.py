"""Starts both programs quicker than they start themselves: imports once, then forks.

Each command still is a process of its own, with its own arguments, environment and
exit status; only reading some hundred modules from disk again is saved, which would
be most of what the end-to-end tests wait for. The demo and the tests of two runs at
once start the installed programs.

Reads one JSON object a line: program, arguments, environment, folder, and the files
for stdout and stderr. Answers each with the exit status.
"""

import contextlib
import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any, NoReturn

PACKAGES = ("airgap_shared", "airgap_signer", "airgap_relay")


def preload() -> None:
    """Import everything that a command may import."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                # An extra that is not installed is the command's to complain of.
                with contextlib.suppress(ImportError):
                    importlib.import_module(module.name)


def become(call: dict[str, Any]) -> NoReturn:
    """Turn this process into one run of a program."""
    status = 1
    try:
        os.setsid()  # No terminal: nobody can be asked.
        os.chdir(call["folder"])
        os.environ.clear()
        os.environ.update(call["environment"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, stream in enumerate(("stdout", "stderr"), 1):
            os.dup2(os.open(call[stream], os.O_WRONLY | os.O_CREAT, 0o600), number)
        sys.argv = [call["program"], *call["arguments"]]
        package = call["program"].replace("-", "_")
        importlib.import_module(f"{package}.cli").main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve() -> None:
    """Answer calls until there are no more."""
    preload()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            become(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    serve()
