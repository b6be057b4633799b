"""Rules -> decision. With no policy file: the caution that always holds.

Decides over intents alone; knows neither bytes nor keys. Every refusal names what
was found and the bound it broke.
"""

import tomllib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from airgap_shared import amounts
from airgap_shared.errors import ContractError, RefusalError
from airgap_shared.limits import MAX_INTEGER
from airgap_signer.intent import Intent, Proof

MAX_FEE_PERCENT = 10
"""Highest fee in per cent of what is sent: above, a decimal point slipped."""

MAX_POLICY_BYTES = 1024 * 1024
"""A policy file; an address book of 10,000 addresses fits."""


MAX_POLICY_LINE = 1_000
"""Characters of a line; tomllib takes seconds for a key of 40,000."""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person allowed; the defaults are the caution without a file."""

    version: Annotated[int, Meta(ge=0, le=MAX_INTEGER)] = 0
    unproven_amounts: Literal["refuse", "allow"] = "refuse"
    contract_calls: Literal["refuse", "allow", "listed"] = "refuse"
    confirm: Literal["any", "terminal"] = "any"
    otherwise: Literal["refuse", "person"] = "person"
    """What happens to an item that no rule matches."""


_SENTENCES = {
    ("unproven_amounts", "refuse"): "Amounts must be proven by previous transactions, "
    "except of one single coin whose signature commits to its amount.",
    ("unproven_amounts", "allow"): "Amounts may be the relay's mere word: "
    "a lying relay can turn them into fees.",
    ("contract_calls", "refuse"): "Contract calls are refused.",
    ("contract_calls", "allow"): "Contract calls are put before a person.",
    ("contract_calls", "listed"): "Only contract calls that are listed are allowed.",
    ("confirm", "any"): "A batch is confirmed at a terminal or by its code.",
    ("confirm", "terminal"): "A batch is confirmed at a terminal only.",
    ("otherwise", "refuse"): "Everything that no rule matches is refused.",
    ("otherwise", "person"): "Everything else needs a person.",
}


def text_of(data: bytes) -> str:
    """Return a policy file's text; raises ``contract.policy`` unless it is UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ContractError("contract.policy", f"policy file: {error}") from error


def parse(text: str) -> Policy:
    """Return the policy in a TOML file; an empty text is the caution alone.

    Raises ``contract.policy`` for bad TOML, unknown keys and values.
    """
    if not text:
        return Policy()
    longest = max(len(line) for line in text.split("\n"))
    if longest > MAX_POLICY_LINE:
        raise _bad(f"a line has {longest} characters")
    try:
        policy = msgspec.convert(tomllib.loads(text), Policy)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        # tomllib lets out more than its own error: numbers of 5,000 digits, and
        # brackets inside of brackets.
        raise _bad(str(error)) from error
    if policy.version < 1:
        raise ContractError(
            "contract.policy", "a policy file needs a version from 1 on"
        )
    return policy


def _bad(why: str) -> ContractError:
    return ContractError(
        "contract.policy",
        f"policy file: {why}",
        f"known keys: {', '.join(Policy.__struct_fields__)}",
    )


def check_successor(policy: Policy, current: Policy) -> None:
    """Refuse a policy that is not newer; raises ``refusal.policy.version``."""
    if policy.version <= current.version:
        raise RefusalError(
            "refusal.policy.version",
            f"the policy has version {policy.version}, "
            f"version {current.version} is in force",
            "give the new file a higher version",
        )


def explain(policy: Policy) -> list[str]:
    """Return the policy in sentences, what always holds included."""
    fields = msgspec.structs.asdict(policy)
    chosen = [
        _SENTENCES[key, value] for key, value in fields.items() if key != "version"
    ]
    always = (
        f"A fee above {MAX_FEE_PERCENT} % of what is sent is refused.",
        "A fee outside of the chain's fee rates is refused.",
        "Outputs above inputs are refused, whatever the policy says.",
    )
    return [*chosen, *always]


def evaluate(intent: Intent, policy: Policy) -> None:
    """Return when ``intent`` may be put before a person; raises ``refusal.policy.*``.

    Raises also ``refusal.outputs_exceed_inputs``, which no policy can allow.
    """
    _check_fee(intent)
    _check_proof(intent, policy)
    if policy.otherwise == "refuse":
        raise RefusalError("refusal.policy.no_rule", "no rule matches this item")


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
    lowest, highest = bounds.min_fee_rate, bounds.max_fee_rate
    # A signature may come out a byte shorter than the size allows for.
    if intent.fee < lowest * (intent.size - len(intent.coins)):
        raise RefusalError(
            "refusal.policy.min_fee_rate",
            f"fee {fee} is below {lowest} base units a virtual byte, "
            "which nodes do not relay",
        )
    if intent.fee > highest * intent.size:
        raise RefusalError(
            "refusal.policy.max_fee_rate",
            f"fee {fee} for {intent.size} virtual bytes is above "
            f"{highest} base units a virtual byte",
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
    is safe unproven and several are not (CVE-2020-14199). Taproot commits to all.
    """
    known = (Proof.PROVEN, Proof.ALL_COMMITTED)
    if policy.unproven_amounts == "allow" or intent.proof in known:
        return
    if intent.proof is Proof.COMMITTED and len(intent.coins) == 1:
        return
    unproven = sum(coin.proof not in known for coin in intent.coins)
    raise RefusalError(
        "refusal.policy.unproven_amounts",
        f"the amounts of {unproven} of {len(intent.coins)} inputs are the relay's word",
        "export again when the previous transactions can be fetched",
    )
