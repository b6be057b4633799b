"""The life of a pending transaction, as a table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airgap_relay.lifecycle import (
    FAILED,
    SENT,
    TRANSITIONS,
    Event,
    State,
    advance,
)
from airgap_shared.errors import JournalError

events = st.lists(st.sampled_from(Event), max_size=40)
"""What may happen, in any order."""


def test_the_way_that_everything_should_go():
    way = (
        Event.PREPARE,
        Event.EXPORT,
        Event.SIGN,
        Event.SEND,
        Event.FIND,
        Event.COMPLETE,
    )
    assert advance(State.SEEN, *way) is State.COMPLETED


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_what_is_not_in_the_table_cannot_happen(state, event):
    if (state, event) in TRANSITIONS:
        assert advance(state, event) is TRANSITIONS[state, event]
        return
    with pytest.raises(JournalError) as caught:
        advance(state, event)
    assert caught.value.code == "journal.transition"
    assert caught.value.status == 8


def test_every_state_but_the_first_can_be_reached():
    assert set(TRANSITIONS.values()) == set(State)


PERSON = {Event.RETRY, Event.ASK_AGAIN, Event.REPLACE, Event.CANCEL}
"""What only a person does."""


def leaving(state):
    return {event for old, event in TRANSITIONS if old is state}


def test_cancelled_is_never_left_and_completed_only_by_a_person():
    assert leaving(State.CANCELLED) == set()
    assert leaving(State.COMPLETED) == {Event.REPLACE, Event.CANCEL}


def test_uncertain_is_left_by_finding_or_by_a_person_only():
    assert leaving(State.UNCERTAIN) == {Event.FIND} | {Event.REPLACE, Event.CANCEL}


def test_what_was_never_in_a_batch_is_not_replaced():
    assert Event.REPLACE not in leaving(State.SEEN) | leaving(State.REFUSED)


def test_a_refused_replacement_ends_where_all_versions_are_looked_up():
    assert advance(State.EXPORTED, Event.FALL_BACK) is State.UNCERTAIN


def test_nothing_is_sent_that_was_not_signed():
    assert [s for s, event in TRANSITIONS if event is Event.SEND] == [State.SIGNED]


def walk(sequence):
    """Return the states passed when impossible events are left out."""
    states = [State.SEEN]
    for event in sequence:
        following = TRANSITIONS.get((states[-1], event))
        if following is not None:
            states.append(following)
    return states


@given(events)
def test_after_sending_it_is_never_exported_or_signed_anew(sequence):
    states = walk(event for event in sequence if event not in PERSON)
    for index, state in enumerate(states):
        if state is State.BROADCASTING:
            following = states[index + 1 : index + 2]
            assert set(following) <= SENT | FAILED | {State.SIGNED}


@given(events)
def test_completed_only_after_broadcast(sequence):
    states = walk(sequence)
    if State.COMPLETED in states:
        assert states[states.index(State.COMPLETED) - 1] is State.BROADCAST
