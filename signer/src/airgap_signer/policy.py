"""Rules -> decision. With no policy file: the caution that always holds.

Decides over intents alone; knows neither bytes nor keys. Every refusal names what
was found and the bound it broke.
"""

from dataclasses import dataclass
from typing import Literal

from airgap_shared import amounts
from airgap_shared.errors import RefusalError
from airgap_signer.intent import Intent, Proof

MAX_FEE_PERCENT = 10
"""Highest fee in per cent of what is sent: above, a decimal point slipped."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a person allowed; the defaults are the caution without a file."""

    unproven_amounts: Literal["refuse", "allow"] = "refuse"
    confirm: Literal["any", "terminal"] = "any"


def evaluate(intent: Intent, policy: Policy) -> None:
    """Return when ``intent`` may be put before a person; raises ``refusal.policy.*``.

    Raises also ``refusal.outputs_exceed_inputs``, which no policy can allow.
    """
    _check_fee(intent)
    _check_proof(intent, policy)


def _check_fee(intent: Intent) -> None:
    unit = intent.chain.code
    fee = f"{amounts.text(intent.fee, intent.chain.decimals)} {unit}"
    if intent.fee < 0:
        raise RefusalError(
            "refusal.outputs_exceed_inputs",
            f"the outputs exceed the inputs by {fee.removeprefix('-')}",
        )
    if intent.fee == 0:
        raise RefusalError("refusal.policy.zero_fee", "there is no fee at all")
    bounds = intent.chain.bitcoin
    # A signature may come out a byte shorter than the size allows for.
    if intent.fee < bounds.min_fee_rate * (intent.size - len(intent.coins)):
        raise RefusalError(
            "refusal.policy.min_fee_rate",
            f"fee {fee} is below {bounds.min_fee_rate} base units a virtual byte, "
            "which nodes do not relay",
        )
    if intent.fee > bounds.max_fee_rate * intent.size:
        raise RefusalError(
            "refusal.policy.max_fee_rate",
            f"fee {fee} for {intent.size} virtual bytes is above "
            f"{bounds.max_fee_rate} base units a virtual byte",
        )
    if 100 * intent.fee > MAX_FEE_PERCENT * intent.sent:
        raise RefusalError(
            "refusal.policy.max_fee_percent",
            f"fee {fee} is above {MAX_FEE_PERCENT} % of the "
            f"{amounts.text(intent.sent, intent.chain.decimals)} {unit} sent",
        )


def _check_proof(intent: Intent, policy: Policy) -> None:
    """Refuse amounts that two rounds of lies could turn into a fee.

    A version 0 signature commits to its own coin's amount alone, so one such coin
    is safe unproven and several are not (CVE-2020-14199).
    """
    if policy.unproven_amounts == "allow" or intent.proof is Proof.PROVEN:
        return
    if intent.proof is Proof.COMMITTED and len(intent.coins) == 1:
        return
    unproven = sum(coin.proof is not Proof.PROVEN for coin in intent.coins)
    raise RefusalError(
        "refusal.policy.unproven_amounts",
        f"the amounts of {unproven} of {len(intent.coins)} inputs are the relay's word",
        "export again when the previous transactions can be fetched",
    )
