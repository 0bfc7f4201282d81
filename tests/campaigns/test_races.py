"""Parallel redemptions over four worker processes: exactly once (catalogue C-01, C-03, C-14)."""

from collections import Counter
from functools import partial

import pytest

from idp.core.refresh_tokens import read_refresh_token
from idp.ids import hash_token
from idp.store.tokens import AuthorizationCodeRow, TokenFamilyRow
from tests.campaigns.fleet import PARALLEL, STAFF, Caller, Fleet, Reply
from tests.support.sizes import campaign_size

pytestmark = [pytest.mark.campaign, pytest.mark.timeout(0)]
_ROUNDS = 1_000
_AT_ONCE = 50
"""Codes that are redeemed before the first of them is a minute old."""


def test_of_sixteen_redemptions_of_a_code_exactly_one_wins(fleet: Fleet) -> None:
    families = fleet.count(TokenFamilyRow)
    codes: list[str] = []
    rounds: list[list[Reply]] = []
    while len(codes) < campaign_size(_ROUNDS):
        fresh = fleet.issue_codes(_AT_ONCE)
        codes += fresh
        rounds += fleet.everybody([partial(Caller.redeem, code=code) for code in fresh])

    for replies in rounds:
        outcomes = Counter((reply.status, reply.error) for reply in replies)
        assert outcomes == {(200, None): 1, (400, "invalid_grant"): PARALLEL - 1}
    assert fleet.count(TokenFamilyRow) - families == len(codes)
    hashes = [hash_token(code) for code in codes]
    is_spent = AuthorizationCodeRow.spent_at.is_not(None)
    assert fleet.count(
        AuthorizationCodeRow, AuthorizationCodeRow.code_hash.in_(hashes), is_spent
    ) == len(codes)


def _family_of(fleet: Fleet, raw: str) -> str:
    token = read_refresh_token(fleet.runtime.box, STAFF, raw)
    assert token is not None
    return token.family_id


def test_sixteen_refreshes_of_a_token_get_one_successor(fleet: Fleet) -> None:
    tokens = fleet.refresh_tokens(campaign_size(_ROUNDS))

    rounds = fleet.everybody([partial(Caller.refresh, token=token) for token in tokens])

    for replies in rounds:
        assert Counter(reply.status for reply in replies) == {200: PARALLEL}
        assert len({reply.body["refresh_token"] for reply in replies}) == 1
    ids = [_family_of(fleet, token) for token in tokens]
    of_these = TokenFamilyRow.id.in_(ids)
    assert fleet.count(TokenFamilyRow, of_these, TokenFamilyRow.counter == 1) == len(tokens)
    assert fleet.count(TokenFamilyRow, of_these, TokenFamilyRow.revoked_at.is_not(None)) == 0

    caller = Caller(fleet.installation.port)
    successors = [replies[0].body["refresh_token"] for replies in rounds]
    assert {caller.refresh(successor).status for successor in successors} == {200}
    caller.close()
