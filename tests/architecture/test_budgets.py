"""An auditor can read the core, shared and one family in an afternoon.

Code lines are what is left without blank lines, comments and docstrings.
"""

import ast
import io
import tokenize
from collections import Counter

import pytest

from tests.architecture.tree import PACKAGES, ROOT, modules, tracked_files

MAX_FILE_LINES = 400
MAX_FUNCTION_CODE_LINES = 50

BUDGETS = {
    "signer core": 1200,
    "signer edges": 1800,
    # Commands decide nothing: they parse words and call the modules above.
    "signer command line": 1200,
    "shared without qr and formats": 900,
    "shared qr": 900,
}
# Four chains, five kinds of coins, three schemes: shared holds what both sides read.
FAMILY_BUDGETS = {"bitcoin": 450, "psbt": 200, "bitcore": 150, "cashaddr": 100}
OTHER_FAMILY_BUDGET = 300
SHARED_BITCOIN_BUDGET = 520

NOT_CODE = {
    tokenize.COMMENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
    tokenize.INDENT,
    tokenize.NEWLINE,
    tokenize.NL,
}
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def code_lines(source):
    """The numbers of the lines that hold code."""
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in NOT_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for docstring in docstrings(ast.parse(source)):
        lines.difference_update(range(docstring.lineno, docstring.end_lineno + 1))
    return lines


def docstrings(tree):
    """Strings that stand alone: docstrings, also those below a constant."""
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED):
            for statement in node.body:
                match statement:
                    case ast.Expr(value=ast.Constant(value=str())):
                        yield statement


def part_of(module):
    """Which budget counts ``module``, or None."""
    match module.package, module.parts:
        case "airgap_shared", ("formats", family, *_):
            return f"shared/formats/{family}"
        case "airgap_shared", ("qr", *_):
            return "shared qr"
        case "airgap_shared", _:
            return "shared without qr and formats"
        case _, ("chains", family, *_) if family != "base":
            return f"{module.package.removeprefix('airgap_')}/chains/{family}"
        case "airgap_signer", ("cli", *_):
            return "signer command line"
        case "airgap_signer", _:
            return "signer edges" if module.is_edge else "signer core"
    return None


def budget_of(part):
    """How many code lines ``part`` may have."""
    if part == "shared/formats/bitcoin":
        return SHARED_BITCOIN_BUDGET
    family = part.rpartition("/")[2]
    return BUDGETS.get(part) or FAMILY_BUDGETS.get(family, OTHER_FAMILY_BUDGET)


@pytest.fixture(scope="module")
def figures():
    sizes: Counter[str] = Counter()
    for package in PACKAGES:
        for module in modules(package):
            part = part_of(module)
            if part is not None:
                sizes[part] += len(code_lines(module.path.read_text()))
    return sizes


def test_every_part_keeps_within_its_budget(figures):
    table = [f"{part}: {size} of {budget_of(part)}" for part, size in figures.items()]
    over = [part for part, size in figures.items() if size > budget_of(part)]
    assert not over, "\n".join(["over budget: " + ", ".join(over), *sorted(table)])


def test_no_file_is_longer_than_400_lines():
    long = {}
    for path in tracked_files():
        if path.suffix == ".py":
            lines = (ROOT / path).read_text().count("\n")
            if lines > MAX_FILE_LINES:
                long[str(path)] = lines
    assert long == {}


def test_no_function_is_longer_than_50_code_lines():
    long = {}
    for package in PACKAGES:
        for module in modules(package):
            source = module.path.read_text()
            lines = code_lines(source)
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    body = range(node.lineno, (node.end_lineno or node.lineno) + 1)
                    size = len(lines.intersection(body))
                    if size > MAX_FUNCTION_CODE_LINES:
                        long[f"{module.name}.{node.name}"] = size
    assert long == {}


SAMPLE = '''"""Title.

More.
"""

A = 1  # why
"""Unit."""

# note
B = (
    2,
)
'''


def test_comments_docstrings_and_blank_lines_are_not_counted():
    assert code_lines(SAMPLE) == {6, 10, 11, 12}
