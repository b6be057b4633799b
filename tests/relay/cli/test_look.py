"""Status and details."""

import pytest

from tests.relay.cli.shell import payment


def test_an_error_has_one_form_everywhere(paired, tatum):
    id_ = payment(tatum, hashes=[])
    paired("poll")
    (listed,) = paired("status")["transactions"]
    (shown,) = paired("show", id_)["transactions"]
    assert listed["state"] == "REFUSED"
    assert listed["error"] == shown["error"]
    assert set(listed["error"]) == {"code", "message", "hint"}
    assert "contract.tatum.key_missing" in paired.plain("status")
    assert "contract.tatum.key_missing" in paired.plain("show", id_)


def test_the_table_lines_up(paired, tatum):
    payment(tatum, 1)
    payment(tatum, 2, hashes=[])
    paired("poll")
    heading, first, second = paired.plain("status").splitlines()
    assert heading.index("state") == first.index("PREPARED") == second.index("REFUSED")


@pytest.mark.usefixtures("tatum")
def test_an_empty_journal_is_an_empty_list(paired):
    assert paired("status") == {"transactions": []}
