"""The machine-readable half of the specification: one vector a rule, at least.

Programs in other languages can be held against the same files, see
docs/spec/README.md.
"""

import errno
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from airgap_shared import amounts, chains, documents, files
from airgap_shared.derivation import ExtendedKey
from airgap_shared.errors import AirgapError
from airgap_shared.formats import bitcore, psbt
from airgap_shared.formats.bitcoin import script, transaction
from airgap_shared.formats.bitcoin.spending import RULES
from airgap_shared.formats.bitcoin.transaction import Output
from tests.vectors import generate

SPEC = Path(__file__).parents[2] / "docs/spec"
VECTORS = [
    vector
    for name in generate.FILES
    for vector in json.loads((generate.FOLDER / name).read_text())
]
BY_NAME = {vector["name"]: vector for vector in VECTORS}

MUST = re.compile(
    r"^- \*\*([A-Z]+-[0-9]+)\*\* (.*?)(?=^- \*\*|^#|^\n[^ ]|\Z)",
    re.MULTILINE | re.DOTALL,
)
"""A numbered rule: from its number to the next rule, heading or paragraph."""
VECTOR_NAME = re.compile(r"`([a-z][a-z0-9-]*)`")

TYPES: dict[str, Any] = {
    type_.TYPE: type_
    for type_ in (
        documents.Identity,
        documents.Manifest,
        documents.UnsignedBatch,
        documents.SignedBatch,
        documents.Receipt,
    )
}


def bytes_of(vector):
    """The input: text or hex, its last byte repeated up to ``padded_to``."""
    data = vector["text"].encode() if "text" in vector else bytes.fromhex(vector["hex"])
    return data.ljust(vector.get("padded_to", 0), data[-1:] or b" ")


def decode_document(vector):
    type_ = TYPES[vector["type"]]
    data = bytes_of(vector)
    document = documents.unseal(data, type_, vector["trusted"]).document
    assert type(document) is type_


def decode_psbt(vector):
    data = bytes_of(vector)
    assert psbt.decode(data).encode() == data


def decode_transaction(vector):
    data = bytes_of(vector)
    assert transaction.decode(data).encode() == data


def decode_address(vector):
    parameters = chains.lookup(vector["chain"], vector["network"]).bitcoin
    output = script.script_of_address(vector["text"], parameters)
    assert script.address(output, parameters) == vector["text"]


def verify_signed(vector):
    unsigned = transaction.decode(bytes.fromhex(vector["unsigned"]))
    coins = tuple(
        Output(coin["amount"], bytes.fromhex(coin["script"]))
        for coin in vector["coins"]
    )
    RULES["BTC"].verify(unsigned, coins, transaction.decode(bytes_of(vector)))


DECODERS = {
    "document": decode_document,
    "identity": lambda vector: documents.unseal_identity(bytes_of(vector)),
    "psbt": decode_psbt,
    "transaction": decode_transaction,
    "address": decode_address,
    "signed": verify_signed,
    "coin": lambda vector: RULES["BTC"].spend_of(bytes_of(vector)),
    "amount": lambda vector: amounts.parse(vector["text"], 8),
    "chain": lambda vector: chains.lookup(vector["text"], "mainnet"),
    "xpub": lambda vector: ExtendedKey(vector["text"]),
    "tatum": lambda vector: bitcore.decode(vector["text"]),
}


def outcome(function, *arguments):
    try:
        function(*arguments)
    except AirgapError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize(
    "vector",
    [v for v in VECTORS if not v["format"].startswith("file-")],
    ids=lambda vector: vector["name"],
)
def test_a_vector_has_the_outcome_that_it_says(vector):
    assert outcome(DECODERS[vector["format"]], vector) == vector["expect"]


@pytest.mark.parametrize(
    "vector",
    [v for v in VECTORS if v["format"].startswith("file-")],
    ids=lambda vector: vector["name"],
)
def test_a_file_of_the_kind_has_the_outcome_that_its_vector_says(
    vector, tmp_path, monkeypatch
):
    path = tmp_path / "document"
    match vector["input"]:
        case "regular" | "existing-file":
            path.write_bytes(b"document")
        case "too-large":
            path.write_bytes(b"x" * 101)
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "dangling-link":
            path.symlink_to("nowhere")
        case "missing-folder":
            path = tmp_path / "no" / "document"
        case "full-disk":

            def full(_descriptor):
                raise OSError(errno.ENOSPC, "No space left on device")

            monkeypatch.setattr(os, "fsync", full)
    if vector["format"] == "file-read":
        found = outcome(files.read, path, 100)
    else:
        found = outcome(files.write_new, path, b"document")
    assert found == vector["expect"]


def test_the_files_are_what_the_generator_makes():
    for name, text in generate.contents().items():
        assert (generate.FOLDER / name).read_text() == text, (
            f"{name} differs: python -m tests.vectors.generate"
        )


def test_the_folder_holds_nothing_else():
    assert {path.name for path in generate.FOLDER.iterdir()} >= set(generate.FILES)


def test_names_are_unique():
    counted = Counter(vector["name"] for vector in VECTORS)
    assert [name for name, count in counted.items() if count > 1] == []


def test_failures_outnumber_successes():
    failures = [vector for vector in VECTORS if vector["expect"] != "ok"]
    assert len(failures) > 2 * (len(VECTORS) - len(failures))


def rules():
    """Every numbered rule of the specification's pages: number -> text."""
    found = {}
    for page in sorted(SPEC.glob("*.md")):
        for number, text in MUST.findall(page.read_text()):
            assert number not in found, f"{number} stands twice"
            found[number] = text
    return found


OURS = {vector["must"].partition("-")[0] for vector in VECTORS}
"""Prefixes of the rules whose vectors are here; others have theirs elsewhere."""


def test_every_rule_names_a_vector_that_breaks_it():
    missing = []
    for number, text in rules().items():
        if number.partition("-")[0] in OURS:
            named = [BY_NAME[n] for n in VECTOR_NAME.findall(text) if n in BY_NAME]
            breaking = [v for v in named if v["must"] == number and v["expect"] != "ok"]
            if not breaking:
                missing.append(number)
    assert missing == []


def test_every_rule_says_must():
    silent = [n for n, text in rules().items() if not re.search(r"\bMUST\b", text)]
    assert silent == []


def test_every_vector_belongs_to_a_rule_that_exists():
    known = rules()
    strays = [v["name"] for v in VECTORS if v["must"] not in known]
    assert strays == []


def test_numbers_of_rules_have_no_gaps():
    last = Counter(number.partition("-")[0] for number in rules())
    for prefix, count in last.items():
        expected = {f"{prefix}-{n}" for n in range(1, count + 1)}
        assert expected <= set(rules())


def test_every_code_of_a_vector_stands_in_the_table_of_errors():
    table = (SPEC / "errors.md").read_text()
    codes = {vector["expect"] for vector in VECTORS} - {"ok"}
    assert [code for code in sorted(codes) if f"`{code}`" not in table] == []
