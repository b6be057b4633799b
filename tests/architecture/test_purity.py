"""The core reaches no file, clock, randomness, process or network.

Bytes, the time, randomness and the person's answer come in as arguments. ruff says
the same while code is written; this test also knows the builtins.
"""

import ast

import pytest

from tests.architecture.tree import EDGES, PACKAGES, modules

MACHINE_MODULES = {
    "asyncio",
    "ctypes",
    "getpass",
    "http",
    "importlib",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "requests",
    "secrets",
    "select",
    "shutil",
    "signal",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
}
MACHINE_BUILTINS = {
    "__import__",
    "breakpoint",
    "compile",
    "eval",
    "exec",
    "exit",
    "input",
    "open",
    "print",
    "quit",
}
CLOCK_METHODS = {"now", "today", "utcnow"}

ALLOWED = {
    # Compares the path of the loaded library with the one that was shipped.
    ("airgap_shared.secp256k1", "pathlib"),
}

CORE = [module for name in PACKAGES for module in modules(name) if not module.is_edge]


def imported(tree):
    """The top-level names that ``tree`` imports."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(name), level=0):
                yield name.partition(".")[0]


def imported_ours(tree):
    """The dotted names of our own modules that ``tree`` may import."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(name), names=names):
                yield name
                yield from (f"{name}.{alias.name}" for alias in names)


def used_names(tree):
    """The builtins and methods that touch the machine, whether called or passed on."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in MACHINE_BUILTINS:
                yield name
            case ast.Attribute(attr=name) if name in CLOCK_METHODS:
                yield name


@pytest.mark.parametrize("module", CORE, ids=lambda module: module.name)
def test_a_core_module_does_not_touch_the_machine(module):
    tree = ast.parse(module.path.read_text())
    found = {name for name in imported(tree) if name in MACHINE_MODULES}
    found = {name for name in found if (module.name, name) not in ALLOWED}
    assert sorted(found | set(used_names(tree))) == []


@pytest.mark.parametrize("module", CORE, ids=lambda module: module.name)
def test_a_core_module_imports_no_edge(module):
    edges = {f"{package}.{edge}" for package in EDGES for edge in EDGES[package]}
    tree = ast.parse(module.path.read_text())
    assert sorted(edges.intersection(imported_ours(tree))) == []


def test_relative_imports_are_not_used():
    found = [
        module.name
        for package in PACKAGES
        for module in modules(package)
        for node in ast.walk(ast.parse(module.path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert found == []
