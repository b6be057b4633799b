"""The tree of errors."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_shared import errors
from airgap_shared.errors import AirgapError, RefusalError, printable

STATUS = {
    errors.AirgapError: 1,
    errors.UsageError: 2,
    errors.MissingFileError: 2,
    errors.RefusalError: 3,
    errors.ContractError: 4,
    errors.StorageError: 5,
    errors.SafetyError: 6,
    errors.RemoteError: 7,
    errors.RemoteUnavailableError: 7,
    errors.RemoteRejectedError: 7,
    errors.RemoteUncertainError: 7,
    errors.JournalError: 8,
    errors.FileError: 9,
}


def subclasses(cls):
    yield cls
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from subclasses(child)


@pytest.mark.parametrize(("cls", "status"), STATUS.items())
def test_each_error_has_the_exit_status_of_its_kind(cls, status):
    assert cls("code", "message").status == status


def test_the_whole_tree_is_in_the_table_above():
    assert set(subclasses(AirgapError)) == set(STATUS)


def test_an_error_reads_as_its_message_alone():
    error = AirgapError("some.code", "found this, expected that", "do so")
    assert str(error) == "found this, expected that"
    assert (error.code, error.hint) == ("some.code", "do so")


def test_a_refusal_carries_the_code_that_would_accept():
    assert RefusalError("refusal.x", "m", confirm="ABCD-EF01").confirm == "ABCD-EF01"
    assert RefusalError("refusal.x", "m").confirm == ""


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain text ~", "plain text ~"),
        ("two\nlines\ttab\r", "two?lines?tab?"),
        ("\x1b[2J\x1b[31mred", "?[2J?[31mred"),
        ("\x00\x7f\x9b", "???"),
        ("Привет", "??????"),
        ("\u202eright to left", "?right to left"),
    ],
)
def test_control_characters_never_reach_a_person(text, clean):
    assert printable(text) == clean


@given(st.text(), st.integers(min_value=3, max_value=50))
def test_printable_text_is_one_short_line_of_ascii(text, limit):
    clean = printable(text, limit)
    assert len(clean) <= limit
    assert all(" " <= c <= "~" for c in clean)


@given(st.text(max_size=2_000), st.text(max_size=2_000))
def test_message_and_hint_are_always_printable(message, hint):
    error = AirgapError("code", message, hint)
    assert error.message == printable(message)
    assert error.hint == printable(hint)


def test_a_long_message_says_that_it_was_cut():
    assert printable("x" * 700) == "x" * 597 + "..."


ROOT = Path(__file__).parents[2]
ERROR_NAMES = {cls.__name__ for cls in STATUS}
CODE = re.compile(r"`((?:bug|usage|[a-z]+)(?:\.[a-z0-9_]+)*)`")


def raised(package):
    """Every literal code that ``package`` gives to one of the errors above."""
    for path in (ROOT / package / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id=name) | ast.Attribute(attr=name),
                    args=[ast.Constant(value=str(code)), *_],
                ) if name in ERROR_NAMES:
                    yield code


@pytest.mark.parametrize("package", ["shared", "signer", "relay"])
def test_every_code_stands_in_the_specification(package):
    known = set(CODE.findall((ROOT / "docs/spec/errors.md").read_text()))
    assert sorted(set(raised(package)) - known) == []


EXITS = {
    "bug": 1,
    "usage": 2,
    "refusal": 3,
    "contract": 4,
    "storage": 5,
    "safety": 6,
    "remote": 7,
    "journal": 8,
    "file": 9,
}


def test_the_specification_gives_each_code_the_exit_status_of_its_word():
    page = (ROOT / "docs/spec/errors.md").read_text()
    rows = re.findall(
        r"^\| ((?:`[a-z0-9_.]+`(?:, )?)+) \| ([0-9]) \|", page, re.MULTILINE
    )
    found = {
        code: int(status) for codes, status in rows for code in CODE.findall(codes)
    }
    expected = {code: EXITS[code.partition(".")[0]] for code in found}
    assert found == expected | {"file.missing": 2, "file.exists": 2}
    assert len(found) > 100
