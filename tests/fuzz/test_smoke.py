"""Some hundred inputs for each target: the same ones every time, in a few seconds."""

import subprocess
import sys
import tracemalloc
from itertools import islice
from random import Random

import pytest

from airgap_shared.errors import ContractError
from tests.architecture.tree import ROOT
from tests.fuzz import one_item, worker
from tests.fuzz.mutation import MAX_BYTES, mutations
from tests.fuzz.targets import TARGETS, Target

EXECUTIONS = 400
MAX_MEMORY = 128 * 1024 * 1024
"""Bytes that reading inputs of at most 100 kB may take: twice the largest buffer."""


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_our_own_errors_comes_out_of_a_parser(name):
    target = TARGETS[name]
    seeds = target.seeds()
    assert seeds
    made = islice(mutations(seeds, Random(name)), EXECUTIONS)
    tracemalloc.start()
    try:
        for data in [*seeds, *made]:
            target.feed(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MAX_MEMORY


@pytest.mark.parametrize("name", TARGETS)
def test_some_seed_of_a_target_is_valid(name):
    def is_valid(data):
        try:
            TARGETS[name].run(data)
        except ContractError:
            return False
        return True

    assert any(map(is_valid, TARGETS[name].seeds()))


def test_the_items_to_start_from_are_signed():
    assert all(map(one_item.read, one_item.containers()))
    assert all(map(one_item.spend, one_item.spendings()))


def test_mutations_repeat_with_their_seed_and_stay_small():
    first = list(islice(mutations([b"seed"], Random(1)), 200))
    assert first == list(islice(mutations([b"seed"], Random(1)), 200))
    assert len(set(first)) > 100
    assert max(map(len, first)) <= MAX_BYTES


def test_what_is_no_error_of_ours_is_kept_as_a_finding(tmp_path, capfd):
    def run(data):
        if data != b"seed":
            raise ValueError("leaked")

    with pytest.raises(ValueError, match="leaked"):
        worker.run_mutator(Target(run, lambda: [b"seed"]), 60, tmp_path)
    (kept,) = tmp_path.iterdir()
    assert kept.read_bytes() != b"seed"
    assert kept.name in capfd.readouterr().err


def test_soak_runs_a_target_and_prints_a_table(tmp_path):
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", "1", "amount"]
    done = subprocess.run(
        [*command, "--findings", tmp_path / "findings"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    name, executions, _, findings = done.stdout.splitlines()[-1].split()
    assert (name, findings) == ("amount", "0")
    assert int(executions) > 100
