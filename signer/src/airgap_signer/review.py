"""What a person reads before deciding: intent and decision, line by line.

Everything is read from the bytes that get signed; what the relay merely says is
marked as its claim. Addresses and ids stand in full, lines fit 80 columns.
"""

from datetime import UTC, datetime
from textwrap import wrap

from airgap_shared import amounts, envelope
from airgap_shared.documents import UnsignedBatch
from airgap_signer import chains
from airgap_signer.ceremony import Review
from airgap_signer.intent import Coin, Intent, Owner, Payment, Proof, totals
from airgap_signer.items import ItemReview

MAX_SHOWN_COINS = 10
"""Inputs listed for an item; their sum is always shown."""
CLOCK_JUMP_SECONDS = 48 * 3600
"""A longer pause since the last entry is shown: the clock may be wrong."""
WIDTH = 78

_INDENT = 10 * " "
_CLAIM = "  claim   "
_CLAIMED_ON = "          | "

_OWNERS = {Owner.OTHERS: "to", Owner.PAYER: "back", Owner.OURSELVES: "ours"}


def render(review: Review, relay: str, last_at: int, *, preliminary: bool) -> str:
    """Return the whole review as text.

    ``relay`` is the name given at pairing, ``last_at`` when the journal was last
    written (0: never).
    """
    lines = _heading(review.sealed.document, review.sealed.fingerprint, relay)
    lines += _clock(review, last_at)
    if preliminary:
        lines.append("PRELIMINARY: from public copies on this disk, nothing verified")
    total = len(review.items)
    for number, item in enumerate(review.items, start=1):
        lines += ["", *_item(number, total, item)]
    lines += ["", *_summary(review)]
    return "\n".join(lines)


def duration(seconds: int) -> str:
    """Return a length of time in its two largest units."""
    minutes, _ = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def moment(at: int) -> str:
    """Return a moment as text, in UTC."""
    return datetime.fromtimestamp(min(at, 253402300799), UTC).strftime("%Y-%m-%d %H:%M")


def _heading(batch: UnsignedBatch, fingerprint: str, relay: str) -> list[str]:
    return [
        f"batch   {envelope.code(fingerprint, 2)}   {batch.id}",
        f"relay   {relay}   sequence {batch.sequence}   {batch.network}",
        f"items   {len(batch.items)}",
    ]


def _clock(review: Review, last_at: int) -> list[str]:
    batch, now = review.sealed.document, review.at
    age, left = now - batch.created, batch.expires - now
    when = (
        f"{duration(age)} ago" if age >= 0 else f"{duration(age)} AHEAD OF THIS CLOCK"
    )
    end = f"in {duration(left)}" if left >= 0 else f"{duration(left)} AGO"
    lines = [f"created {moment(batch.created)} UTC, {when}", f"expires {end}"]
    if last_at and now - last_at > CLOCK_JUMP_SECONDS:
        lines.append(
            f"CLOCK   {moment(now)} UTC, {duration(now - last_at)} after the last "
            "journal entry: right?"
        )
    return lines


def _item(number: int, total: int, item: ItemReview) -> list[str]:
    unsigned = item.item
    lines = [f"{number} of {total}   {unsigned.chain}   {unsigned.id}"]
    if unsigned.hint:
        lines += _claim(f"the relay says: {unsigned.hint}")
    if unsigned.replaces:
        lines += _claim(f"the relay says that it replaces: {unsigned.replaces}")
    if item.reading is not None:
        lines += _intent(item.reading.intent)
    lines += (
        f"  REPLACES item {record.tatum_id}\n          signed as {record.tx_id}"
        for record in item.displaced
    )
    if item.error is not None:
        lines.append(f"  REFUSED {item.error.code}")
        lines += wrap(
            item.error.message,
            WIDTH,
            initial_indent=_INDENT,
            subsequent_indent=_INDENT,
        )
    elif item.record is not None:
        lines.append(f"  signed before as {item.record.tx_id}; the same bytes again")
    return lines


def _claim(text: str) -> list[str]:
    """Return what somebody merely says; a bar keeps it apart from lines of ours.

    It is wrapped here, for where a terminal wraps, padding could place its words so
    that they look like a line of this review.
    """
    first, *rest = wrap(text, WIDTH - len(_CLAIMED_ON))
    return [_CLAIM + first, *(_CLAIMED_ON + line for line in rest)]


def _intent(intent: Intent) -> list[str]:
    lines = [_coin(coin, intent) for coin in intent.coins[:MAX_SHOWN_COINS]]
    if len(intent.coins) > MAX_SHOWN_COINS:
        lines.append(
            f"  from    {len(intent.coins)} inputs in all, "
            f"{_amount(intent.paid_in, intent)}"
        )
    lines += (_payment(payment, intent) for payment in intent.payments)
    lines.append(f"  fee     {_fee(intent)}")
    lines += (f"  odd     {oddity}" for oddity in intent.oddities)
    return lines


def _coin(coin: Coin, intent: Intent) -> str:
    proof = "" if coin.proof is Proof.PROVEN else f"   ({coin.proof.value})"
    return (
        f"  from    {_who(coin.script, intent)}   {_amount(coin.amount, intent)}{proof}"
    )


def _payment(payment: Payment, intent: Intent) -> str:
    whose = ""
    if payment.key is not None:
        index = "" if payment.key.index is None else f" index {payment.key.index}"
        whose = f"\n          {payment.owner.value}: {payment.key.signature_id}{index}"
    label = f"{_OWNERS[payment.owner]:<7}"
    paid = f"{_who(payment.script, intent)}   {_amount(payment.amount, intent)}"
    return f"  {label} {paid}{whose}"


def _who(script: bytes, intent: Intent) -> str:
    return chains.family(intent.chain).destination(script, intent.chain)


def _fee(intent: Intent) -> str:
    if intent.fee < 0:
        return f"NEGATIVE, {_amount(intent.fee, intent)}"
    rate = f"{_ratio(intent.fee, intent.size)} sat/vB"
    if intent.sent:
        rate = f"{_ratio(100 * intent.fee, intent.sent)} % of sent, {rate}"
    return f"{_amount(intent.fee, intent)}   {rate}"


def _ratio(part: int, whole: int) -> str:
    """Return ``part / whole`` with two decimals, in integers all the way."""
    hundredths = (100 * part + whole // 2) // whole
    return f"{hundredths // 100}.{hundredths % 100:02}"


def _amount(base_units: int, intent: Intent) -> str:
    return f"{amounts.text(base_units, intent.chain.decimals)} {intent.chain.code}"


def _summary(review: Review) -> list[str]:
    """Return sums over what would be signed, and how many items would not."""
    accepted = [
        i.reading.intent
        for i in review.items
        if i.reading and not i.error and not i.record
    ]
    lines = []
    for group in totals(accepted):
        unit, decimals = group.chain.code, group.chain.decimals
        lines.append(
            f"total   {group.items} to sign, "
            f"{amounts.text(group.sent, decimals)} {unit} sent, "
            f"{amounts.text(group.fee, decimals)} {unit} in fees"
        )
    refused = sum(item.error is not None for item in review.items)
    known = sum(item.record is not None for item in review.items)
    if refused:
        lines.append(f"refused {refused} of {len(review.items)}")
    if known:
        lines.append(f"known   {known} answered from the journal")
    return lines
