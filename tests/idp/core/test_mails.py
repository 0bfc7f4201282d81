"""Every mail that is composed has what its template asks for, and reads well."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jinja2
import pytest

from idp.core.accounts import Owner, find_account_by_id
from idp.core.mails import (
    mail_account_locked,
    mail_email_changed,
    mail_password_changed,
    mail_reset_link,
    mail_shared_secret_changed,
)
from idp.core.recovery import request_recovery
from idp.core.work import UnitOfWork
from idp.ids import RawToken
from tests.support import ROOT
from tests.support.world import STAFF, World, trace_from

LINK = RawToken("L" * 43)
Compose = Callable[[UnitOfWork, Owner], None]


def compose(world: World, write: Compose, **user: object) -> dict[str, Any]:
    ada = world.add_user("ada", user={"given_name": "Ada", **user})
    with world.runtime.begin(STAFF, trace=trace_from("192.0.2.7")) as uow:
        account = find_account_by_id(uow, ada)
        assert account is not None
        write(uow, account.owner)
    return world.outbox()[0]


def render(mail: dict[str, Any]) -> tuple[str, str]:
    """Return subject and body as they will be sent."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(ROOT / "idp" / "web" / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text
    )
    template = environment.get_template(f"mail/{mail['template']}.txt")
    module = template.make_module(mail["context"])
    return str(vars(module)["subject"]), template.render(mail["context"])


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (
            lambda uow, owner: mail_reset_link(uow, owner, LINK, timedelta(hours=24)),
            [f"/reset-password/{LINK}", "24 hours"],
        ),
        (
            lambda uow, owner: mail_password_changed(uow, owner, "self"),
            ["2 November 2026 at 09:00 UTC", "192.0.2.7", "/forgot-password"],
        ),
        (
            lambda uow, owner: mail_password_changed(uow, owner, "recovery"),
            ["link or code", "/forgot-password"],
        ),
        (
            lambda uow, owner: mail_password_changed(uow, owner, "administrator"),
            ["by an administrator", "/forgot-password"],
        ),
        (
            lambda uow, owner: mail_shared_secret_changed(uow, owner, LINK),
            [f"/not-me/{LINK}", "192.0.2.7"],
        ),
        (lambda uow, owner: mail_account_locked(uow, owner, "not_me"), ["not yours"]),
        (lambda uow, owner: mail_account_locked(uow, owner, "attempts"), ["/forgot-password"]),
        (lambda uow, owner: mail_account_locked(uow, owner, "administrator"), ["administrator"]),
        (mail_email_changed, ["An administrator gave"]),
    ],
)
def test_a_mail_says_what_happened(world: World, write: Compose, says: list[str]) -> None:
    mail = compose(world, write)

    subject, body = render(mail)

    assert mail["to"] == "ada@example.com"
    assert subject == subject.strip()
    assert "ada" in body
    for phrase in says:
        assert phrase in body


def test_the_mail_of_a_recovery_names_link_and_code(world: World) -> None:
    world.add_user("ada")
    request_recovery(world.runtime, STAFF, "ada@example.com", RawToken("browser"))
    (mail,) = world.outbox()

    _, body = render(mail)

    (account,) = mail["context"]["accounts"]
    for phrase in ("ada", account["link"], account["code"], "30 minutes"):
        assert phrase in body


def test_an_administrators_address_is_not_told(world: World) -> None:
    mail = compose(world, lambda uow, owner: mail_password_changed(uow, owner, "administrator"))

    assert "192.0.2.7" not in render(mail)[1]


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../etc/passwd", "\0", ""])
def test_an_odd_time_zone_is_read_as_utc(world: World, zone: str) -> None:
    mail = compose(
        world, lambda uow, owner: mail_password_changed(uow, with_zone(owner, zone), "self")
    )

    assert mail["context"]["changed_at"] == "2 November 2026 at 09:00 UTC"


def with_zone(owner: Owner, zone: str) -> Owner:
    return replace(owner, zoneinfo=zone)
