"""Every door through which somebody gets a password: pages, REST interface, commands, files.

A `Door` gives a new account a password as the people at that entry point do, and returns all that
they were told; whether it was taken shows at the sign-in page (`House.gets_in`).
"""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from idp.core.links import issue_setup_link
from idp.core.recovery_requests import issue_recovery_link
from idp.ids import UserId
from idp.jobs.runner import Runner
from idp.store.users import RoleGrantRow
from tests.idp.api.desk import USERS, Desk
from tests.support.commands import run_command
from tests.support.pages import Visitor, visitor
from tests.support.story import Story
from tests.support.world import PASSWORD

NO_BRAKES = {"sign_in_per_account": "off", "sign_in_per_address": "off"}
"""Limits of a house in which many wrong passwords are tried."""


@dataclass
class House:
    """One product, all its entry points, and a folder for files."""

    story: Story
    folder: Path
    mailbox: str = ""
    """What stands before the @ of everybody's address, unless it is the login name."""

    def email(self, name: str) -> str:
        """Return the address of an account."""
        return f"{self.mailbox or name}@example.com"

    def person(self, name: str, **columns: Any) -> UserId:  # noqa: ANN401 - as `World.add_user`
        """Add an account that has a password already."""
        email = self.email(name)
        return self.story.person(name, user={"email": email, "email_key": email}, **columns)

    @cached_property
    def desk(self) -> Desk:
        """The REST interface."""
        return Desk(self.story)

    @cached_property
    def owner(self) -> str:
        """The access token of an owner."""
        return self.desk.owner()

    def idp(self, *arguments: str, stdin: str = "") -> str:
        """Return all that a command said."""
        return run_command(self.story.world.runtime, *arguments, stdin=stdin).output

    def sign_in(self, name: str, password: str) -> Visitor:
        """Return somebody in a browser of their own who tried to sign in."""
        person = visitor(self.story)
        person.sign_in(name, password)
        return person

    def gets_in(self, name: str, password: str) -> bool:
        """Tell whether the sign-in page lets somebody in, at least to choose another password."""
        seen = self.sign_in(name, password).seen
        assert seen is not None
        assert seen.page in ("account", "change-password", "sign-in", "error"), seen.text
        return seen.page in ("account", "change-password")


Door = Callable[[House, str, str], str]


def _open_account(house: House, name: str) -> Visitor:
    house.person(name)
    person = house.sign_in(name, PASSWORD)
    person.open("/account/password")
    return person


def _open_forced(house: House, name: str) -> Visitor:
    house.person(name, credential={"must_change": True})
    return house.sign_in(name, PASSWORD)


def _open_recovery(house: House, name: str) -> Visitor:
    user_id = house.person(name)
    with house.story.world.begin() as uow:
        link = issue_recovery_link(uow, user_id, generation=1)
    person = visitor(house.story)
    person.open(f"/reset-password/{link}")
    person.go_on()
    return person


def _open_setup(house: House, _name: str) -> Visitor:
    with house.story.world.begin() as uow:
        uow.db.execute(sa.delete(RoleGrantRow))  # the link is for a house that has no owner
        link = issue_setup_link(uow)
    person = visitor(house.story)
    person.open(f"/setup/{link}")
    return person


FORMS: Mapping[str, Callable[[House, str], Visitor]] = {
    "account form": _open_account,
    "forced form": _open_forced,
    "recovery form": _open_recovery,
    "set-up form": _open_setup,
}
"""The doors that are pages: each opens the form, for `send_form` to fill in."""


def send_form(house: House, person: Visitor, name: str, new: str) -> str:
    """Fill in the form that somebody looks at with a new password; return what they are told."""
    assert person.seen is not None
    fields = {
        "username": name,
        "email": house.email(name),
        "current_password": PASSWORD,
        "new_password": new,
        "confirm_password": new,
    }
    asked = person.seen.forms[0].asked
    return person.submit(**{field: fields[field] for field in asked & fields.keys()}).text


def _through(form: str) -> Door:
    return lambda house, name, new: send_form(house, FORMS[form](house, name), name, new)


def _api_create(house: House, name: str, new: str) -> str:
    body = {"username": name, "email": house.email(name), "password": new}
    return house.desk.post(USERS, house.owner, body).text


def _api_set(house: House, name: str, new: str) -> str:
    user = f"{USERS}/{house.person(name)}"
    return house.desk.post(f"{user}/set-password", house.owner, {"password": new}).text


def _api_bulk(house: House, name: str, new: str) -> str:
    select = {"user_ids": [house.person(name)]}
    order = {"mode": "shared", "password": new, "select": select, "accept_repeat": True}
    body = {"kind": "password.reset", "params": order}
    planned = house.desk.post("/realms/staff/plans", house.owner, body)
    if planned.status == 201:
        go_ahead = {"fingerprint": planned.json["fingerprint"]}
        house.desk.post(f"/plans/{planned.json['id']}/apply", house.owner, go_ahead)
        Runner(house.story.world.runtime).run_once()
    return planned.text


def _cli_add(house: House, name: str, new: str) -> str:
    who = ("--username", name, "--email", house.email(name), "--realm", "staff")
    return house.idp("user", "add", *who, "--password-stdin", stdin=f"{new}\n")


def _cli_set(house: House, name: str, new: str) -> str:
    house.person(name)
    how = ("--realm", "staff", "--password-stdin")
    return house.idp("user", "set-password", name, *how, stdin=f"{new}\n")


def _cli_bulk(house: House, name: str, new: str) -> str:
    house.person(name)
    how = ("--mode", "shared", "--password-stdin", "--accept-repeat", "--json")
    whom = ("--realm", "staff", "--user", name)
    planned = house.idp("reset", "plan", *how, *whom, stdin=f"{new}\n")
    if planned.startswith("{"):
        plan = json.loads(planned)["id"]
        house.idp("reset", "apply", plan, "--realm", "staff", "--wait", "--yes")
    return planned


def _cli_import(house: House, name: str, new: str) -> str:
    file = house.folder / f"{name}.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(("username", "email", "password"))
        rows.writerow((name, house.email(name), new))
    said = house.idp("user", "import", str(file), "--realm", "staff")
    rejected = file.with_suffix(".rejected.csv")
    return said + (rejected.read_text(encoding="utf-8") if rejected.exists() else "")


DOORS: Mapping[str, Door] = {
    **{form: _through(form) for form in FORMS},
    "API create": _api_create,
    "API set": _api_set,
    "API bulk": _api_bulk,
    "CLI add": _cli_add,
    "CLI set": _cli_set,
    "CLI bulk": _cli_bulk,
    "CLI import": _cli_import,
}

OF_ONE_PERSON = tuple(name for name in DOORS if not name.endswith("bulk"))
"""Doors that know whose password it will be; a bulk reset judges one password for everybody."""
