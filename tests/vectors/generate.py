"""Makes tests/vectors/spec: ``python -m tests.vectors.generate``.

Every vector breaks one MUST of docs/spec, or shows what keeps it. Keys, times and
order are fixed, so that the same program always writes the same files; a test makes
them again and finds no difference.
"""

import json
from collections.abc import Callable
from pathlib import Path

from tests.vectors import made_bitcoin, made_documents

FOLDER = Path(__file__).parent / "spec"

FILES: dict[str, Callable[[], list[dict[str, object]]]] = {
    "envelope.json": made_documents.envelope_vectors,
    "documents.json": made_documents.document_vectors,
    "files.json": made_documents.file_vectors,
    "psbt.json": made_bitcoin.psbt_vectors,
    "bitcoin.json": made_bitcoin.bitcoin_vectors,
}


def contents() -> dict[str, str]:
    """Return what each file should hold."""
    return {
        name: json.dumps(make(), indent=1, ensure_ascii=True) + "\n"
        for name, make in FILES.items()
    }


def main() -> None:
    """Write all files."""
    for name, text in contents().items():
        (FOLDER / name).write_text(text)
        print(f"{name}: {text.count(chr(34) + 'must' + chr(34))} vectors")


if __name__ == "__main__":
    main()
