"""Run bitcore-lib, which Tatum KMS signs BTC with, on this machine.

python -m tests.bench.bitcore.peer 1000
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent

INSTALL_SECONDS = 300
SIGN_SECONDS = 600


def is_available() -> bool:
    """Whether Node and npm are on this machine."""
    return shutil.which("node") is not None and shutil.which("npm") is not None


def install() -> None:
    """Install bitcore-lib as locked, unless it is there; it stays out of git."""
    if (FOLDER / "node_modules" / "bitcore-lib").is_dir():
        return
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"],
        cwd=FOLDER,
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=INSTALL_SECONDS,
    )


def sign(count: int) -> dict[str, float]:
    """Return ``{transactions, seconds}`` of signing ``count`` one-input payments."""
    install()
    done = subprocess.run(
        ["node", "sign.js", str(count)],
        cwd=FOLDER,
        check=True,
        capture_output=True,
        text=True,
        timeout=SIGN_SECONDS,
    )
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


if __name__ == "__main__":
    print(json.dumps(sign(int(sys.argv[1]))))
