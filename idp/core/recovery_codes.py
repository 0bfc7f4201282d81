"""The code beside the link in a recovery mail, to be typed where the mail was asked for.

Eight characters of a 32-letter alphabet: 40 bits, enough because it is bound to the browser that
asked, lives as long as the link, and few tries are allowed (DECISIONS 18). Stored as a keyed MAC.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from idp.config import Limit
from idp.core.events import Event, EventCode
from idp.core.recovery_requests import (
    OpenCode,
    count_wrong_code,
    issue_recovery_link,
    list_open_codes,
    spend_code,
)
from idp.core.runtime import Runtime
from idp.core.throttle import Brake, brake_of, bucket_of, count_attempt, hold_brakes
from idp.core.work import NO_TRACE, Trace, UnitOfWork
from idp.ids import RawToken, RealmName, hash_token

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No I, L, O and U: whoever types I or L means 1, and O means 0."""
_LENGTH = 8
_BYTES = 5
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_LONGEST_TYPED = 64


@dataclass(frozen=True, slots=True)
class CodeRefused:
    """Wrong, spent, expired or of another browser; or too many were wrong. One answer for all."""


def code_from(secret: bytes) -> str:
    """Return the code that the first 40 bits of a secret make, in the form in which it is kept."""
    bits = int.from_bytes(secret[:_BYTES])
    return "".join(_ALPHABET[bits >> shift & 31] for shift in range(35, -1, -5))


def show_code(code: str) -> str:
    """Return a code as people read it: `ABCD-EFGH`."""
    return f"{code[:4]}-{code[4:]}"


def mac_of_code(uow: UnitOfWork, request_id: str, browser_hash: str, code: str) -> str:
    """Return the MAC under which the code of a request is stored."""
    message = f"{uow.realm}\n{request_id}\n{browser_hash}\n{code}".encode("utf-8", "replace")
    return uow.runtime.box.mac(message, purpose="recovery code").hex()


def redeem_recovery_code(
    runtime: Runtime, realm: RealmName, code: str, browser: RawToken, trace: Trace = NO_TRACE
) -> RawToken | CodeRefused:
    """Exchange a typed code for a link that does the same as the one in the mail.

    A code works once, in the browser that asked. A wrong one counts against every request of that
    browser; when their tries are used up their codes are dead, and the links still work.
    """
    typed = _read(code)
    if typed is None:
        return CodeRefused()
    browser_hash = hash_token(browser)
    with runtime.begin(realm, trace=trace) as uow:
        asked = list_open_codes(uow, browser_hash)
        brakes = _brakes_of(uow, {one.user_id for one in asked}, browser_hash)
        held = hold_brakes(uow, list(brakes.values()))
        tries = runtime.config.limits.code_tries
        live = [
            one
            for one in list_open_codes(uow, browser_hash, lock=True)
            if one.tries < tries and not held.wait(uow.now, _one(brakes, one.user_id))
        ]
        right = [one for one in live if _is_right(uow, one, browser_hash, typed)]
        if right:
            return _exchange(uow, right[0])
        count_wrong_code(uow, [one.request_id for one in live])
        count_attempt(uow, held, list(brakes.values()))
        _record_refusal(uow, {one.user_id for one in asked})
        return CodeRefused()


def _exchange(uow: UnitOfWork, one: OpenCode) -> RawToken:
    spend_code(uow, one.request_id)
    life = one.expires_at - uow.now
    return issue_recovery_link(uow, one.user_id, generation=one.generation, life=life)


def _brakes_of(uow: UnitOfWork, user_ids: Collection[str], browser_hash: str) -> dict[str, Brake]:
    """Return the brake of each account; for nobody, one of the browser, at the same cost."""
    limit: Limit | None = uow.runtime.config.limits.code_per_account
    whose = user_ids or {f"browser {browser_hash}"}
    return {
        user_id: brake
        for user_id in whose
        for brake in brake_of(bucket_of(uow, "code", user_id), limit)
    }


def _one(brakes: dict[str, Brake], user_id: str) -> list[Brake]:
    return [brakes[user_id]] if user_id in brakes else []


def _is_right(uow: UnitOfWork, one: OpenCode, browser_hash: str, typed: str) -> bool:
    mac = mac_of_code(uow, one.request_id, browser_hash, typed)
    return hmac.compare_digest(one.code_mac, mac)


def _read(typed: str) -> str | None:
    """Return the code that somebody typed, or None when it cannot be one."""
    code = typed[:_LONGEST_TYPED].strip().upper().translate(_READ_AS)
    return code if len(code) == _LENGTH and set(code) <= set(_ALPHABET) else None


def _record_refusal(uow: UnitOfWork, user_ids: Collection[str]) -> None:
    subject = next(iter(user_ids)) if len(user_ids) == 1 else None
    uow.record(
        Event(code=EventCode.PASSWORD_RESET_REFUSED, subject_id=subject, params={"reason": "code"})
    )
