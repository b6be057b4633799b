"""Measures the signer beside bitcore-lib and prints ratios: ``make bench``.

Everything runs in turn, several rounds, in processes of their own; medians count.
Writes ``build/bench.json``.
"""

import json
import os
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from airgap_shared.chains import lookup
from tests.bench import batches

ROUNDS = 5
STORAGES = {"BTC": 10_000, "LTC": 1_000, "DOGE": 1_000, "BCH": 1_000}
"""Chain -> keys in its storage."""
TRANSACTIONS = 1_000
ENTRIES = 25_000
ROOT = Path(__file__).resolve().parents[2]
BITCORE = ROOT / "tests" / "bench" / "bitcore"

Figures = dict[str, float]


def main() -> None:
    """Measure, print a table a person can read, and write the same as JSON."""
    with tempfile.TemporaryDirectory() as made:
        measures: dict[str, Callable[[], Figures]] = {}
        for code, keys in STORAGES.items():
            folder = Path(made) / code
            folder.mkdir()
            chain = lookup(code, "testnet")
            bench = batches.make_signer(folder / "wallet.airgap", keys, chain)
            (folder / "bench.pickle").write_bytes(pickle.dumps(bench))
            for inputs in (1, 10):
                name = f"{code}, {inputs} input{'s' if inputs > 1 else ''}"
                measures[name] = partial(
                    _signer, folder, TRANSACTIONS // inputs, inputs
                )
        measures["help"] = _help
        if _install_bitcore():
            measures["bitcore-lib, BTC, 1 input"] = _bitcore
        runs: dict[str, list[Figures]] = {name: [] for name in measures}
        for number in range(ROUNDS):
            print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
            for name, measure in measures.items():
                runs[name].append(measure())
    print("a storage of 25,000 entries", file=sys.stderr)
    runs["storage"] = [_storing()]
    figures = _figures(runs)
    _print(figures)
    target = ROOT / "build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"figures": figures, "runs": runs}, indent=2) + "\n")
    print(f"written to {target.relative_to(ROOT)}")


def _signer(folder: Path, count: int, inputs: int) -> Figures:
    arguments = [str(folder), str(count), str(inputs)]
    command = [sys.executable, "-m", "tests.bench.signing", *arguments]
    return _json(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE))


def _bitcore() -> Figures:
    command = ["node", "sign.js", str(TRANSACTIONS)]
    return _json(
        subprocess.run(command, cwd=BITCORE, check=True, stdout=subprocess.PIPE)
    )


def _storing() -> Figures:
    command = [sys.executable, "-m", "tests.bench.storing", str(ENTRIES)]
    return _json(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE))


def _help() -> Figures:
    command = [str(Path(sys.executable).parent / "airgap-signer"), "--help"]
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {"seconds": time.perf_counter() - begun}


def _json(done: "subprocess.CompletedProcess[bytes]") -> Figures:
    figures: Figures = json.loads(done.stdout)
    return figures


def _install_bitcore() -> bool:
    """Install npm's bitcore-lib once; without npm the comparison is left out."""
    if shutil.which("npm") is None:
        print("npm is missing: bitcore-lib is not measured", file=sys.stderr)
        return False
    if not (BITCORE / "node_modules").exists():
        quiet = {**os.environ, "npm_config_loglevel": "error"}
        install = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            install, cwd=BITCORE, env=quiet, check=False, stdout=sys.stderr
        )
        return done.returncode == 0
    return True


def _figures(runs: dict[str, list[Figures]]) -> dict[str, Figures]:
    """Return the median of every figure, and ratios taken round by round."""
    figures = {
        name: {key: statistics.median(run[key] for run in group) for key in group[0]}
        for name, group in runs.items()
    }
    figures["ratios"] = {
        f"{code}: an input of ten beside a lone one": statistics.median(
            (b["seconds"] / b["transactions"] / 10) / (a["seconds"] / a["transactions"])
            for a, b in zip(
                runs[f"{code}, 1 input"], runs[f"{code}, 10 inputs"], strict=True
            )
        )
        for code in STORAGES
    }
    if bitcore := runs.get("bitcore-lib, BTC, 1 input"):
        pairs = zip(runs["BTC, 1 input"], bitcore, strict=True)
        times = [theirs["seconds"] / ours["seconds"] for ours, theirs in pairs]
        figures["ratios"]["BTC: times faster than bitcore-lib"] = statistics.median(
            times
        )
    return figures


def _print(figures: dict[str, Figures]) -> None:
    print(f"{TRANSACTIONS} inputs a batch, medians of {ROUNDS} rounds")
    print(f"{'':<28}{'tx/s':>8}{'open +ms':>10}{'peak MiB':>10}")
    for name, figure in figures.items():
        if "transactions" in figure:
            rate = figure["transactions"] / figure["seconds"]
            opening = figure.get("opening_beyond_derivation")
            peak = figure.get("peak_mib")
            open_ms = (
                f"{opening * 1000:>10.0f}" if opening is not None else f"{'-':>10}"
            )
            memory = f"{peak:>10.0f}" if peak is not None else f"{'-':>10}"
            print(f"{name:<28}{rate:>8.0f}{open_ms}{memory}")
    rows = {"airgap-signer --help, s": figures["help"]["seconds"], **figures["ratios"]}
    for name in ("adding", "listing", "importing"):
        rows[f"{ENTRIES} entries: {name}, s"] = figures["storage"][name]
    for name, row in rows.items():
        print(f"{name:<46}{row:>8.2f}")


if __name__ == "__main__":
    main()
