"""One measured signer in a process of its own, so that its peak memory is its own.

    python -m tests.bench.signing FOLDER TRANSACTIONS INPUTS

FOLDER holds what ``batches.make_signer`` made; prints one JSON line.
"""

import json
import pickle
import resource
import sys
import time
from pathlib import Path

from airgap_signer import ceremony, session, storage
from airgap_signer.review import render
from tests.bench import batches


def measure(folder: Path, count: int, inputs: int) -> dict[str, float]:
    """Sign one batch as ``airgap-signer sign`` does; the person answers at once."""
    bench = pickle.loads((folder / "bench.pickle").read_bytes())
    path = folder / "wallet.airgap"
    data = batches.make_batch(bench, count, inputs)

    begun = time.perf_counter()
    header = storage._read(path)[0]
    storage._unwrap(header, batches.PASSWORD)
    derivation = time.perf_counter() - begun

    begun = time.perf_counter()
    with session.open_(path, batches.PASSWORD) as opened:
        opening = time.perf_counter() - begun
        begun = time.perf_counter()
        sealed = ceremony.open_batch(data, opened.public)
        shown: list[str] = []
        answer, review = opened.sign_batch(
            sealed,
            session.Choices(),
            int(time.time()),
            lambda review, at: shown.append(
                render(review, "bench", at, preliminary=False)
            ),
        )
        signing = time.perf_counter() - begun
    refused = sum(item.error is not None for item in review.items)
    if refused or len(answer) < count * 100:
        raise SystemExit(f"{refused} items were refused: {review.items[0].error}")
    return {
        "transactions": count,
        "inputs": inputs,
        "seconds": signing,
        "opening_beyond_derivation": opening - derivation,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    folder, count, inputs = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(measure(folder, count, inputs)))
