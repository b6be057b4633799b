"""Whatever is asked: no coin is ever signed for two requests."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from airgap_shared.formats.bitcoin import transaction
from airgap_signer.journal import Journal
from tests.signer import world
from tests.signer.sessions import (
    Crash,
    sign,
)
from tests.signer.world import HOT, p2wpkh
from tests.simulators.relay_side import SOMEBODY, coin, key_of

TEMPLATE: dict[str, world.Home] = {}


@pytest.fixture(autouse=True)
def _template(prepared):
    TEMPLATE["home"] = prepared


def cut(*_):
    raise Crash


class Requests(RuleBasedStateMachine):
    """A relay that asks for whatever it likes, and a person who always agrees."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        self.home = TEMPLATE["home"].copy(self.folder / "home")
        self.coins = [coin(f"{n}", p2wpkh("hot"), 100_000) for n in range(4)]
        self.spent = {}
        """Coin -> the Tatum id that was signed for it first."""
        self.paid = {}
        """Tatum id -> unsigned transaction that was signed for it."""

    @rule(
        wanted=st.lists(
            st.tuples(
                st.integers(0, 4),
                st.sets(st.integers(0, 3), min_size=1, max_size=2),
                st.integers(900, 1_000),
            ),
            min_size=1,
            max_size=3,
            unique_by=lambda each: each[0],
        ),
        crash=st.booleans(),
    )
    def ask(self, wanted, crash):
        items = []
        for name, chosen, fee in wanted:
            coins = [self.coins[n] for n in sorted(chosen)]
            total = sum(c.output.amount for c in coins)
            outputs = [(SOMEBODY, total - fee)]
            items.append(self.home.relay.item(f"{name}", coins, outputs, [key_of(HOT)]))
        data = self.home.relay.batch_file(*items)
        if crash:
            with pytest.MonkeyPatch.context() as broken:
                broken.setattr(Journal, "keep_answer", cut)
                with contextlib.suppress(Crash):
                    sign(self.home, data)
        _, answer = sign(self.home, data)
        for each in answer.items:
            if each.signed:
                self.remember(each.id, transaction.decode(each.signed))

    def remember(self, tatum_id, signed):
        """Hold the promise: a coin and an id belong to one request for ever."""
        unsigned = signed.unsigned()
        assert self.paid.setdefault(tatum_id, unsigned) == unsigned
        for spent in signed.inputs:
            owner = self.spent.setdefault(str(spent.out_point), tatum_id)
            assert owner == tatum_id

    @invariant()
    def the_signer_opens(self):
        with self.home.open() as opened:
            assert opened.journal.recompute()

    def teardown(self):
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)


Requests.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=6,
    deadline=None,
    # Making a failure smaller takes minutes: each step opens and signs for real.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
TestNoCoinIsSignedTwice = Requests.TestCase
