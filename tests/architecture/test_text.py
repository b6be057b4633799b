"""What is published does not speak of the machine that it was written on."""

import re

from tests.architecture.tree import ROOT, tracked_files

PERSONAL_FOLDERS = r"(home|root|tmp|Users)"


def test_no_file_names_a_path_of_somebodys_machine():
    # The lookbehind lets relative paths and addresses through.
    checkout = re.escape(str(ROOT))
    pattern = re.compile(rf"(?<![\w.}}>)*-])({checkout}|/{PERSONAL_FOLDERS})/\w.*")
    found = []
    for path in tracked_files():
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not a text
        found += [f"{path}: {match.group()[:60]}" for match in pattern.finditer(text)]
    assert found == []
