"""Changes of passwords judged by facts that were gathered: strength, leaks, likeness, names."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import responses

from idp.clock import FakeClock
from idp.core.accounts import find_account_by_id
from idp.core.judging import judge_as_typed
from idp.core.notices import NewPasswordRefused
from idp.core.password_change import ChangeForm, PasswordChanged, change_password
from idp.core.passwords import SetBy, Setting, set_password
from idp.core.plans import create_plan
from idp.core.policies import current_policy
from idp.core.policy_versions import NewVersion, append_version, read_policy
from idp.core.work import HOST, SYSTEM
from idp.errors import InvalidInput, PasswordRejected
from idp.ids import UserId
from policy.rules import UNCHECKED
from tests.support.world import PASSWORD, STAFF, World, open_world

LEAKED = "tussock lantern harbour"
FINE = "kereru over the dunes"
FAR = "https://breaches.example/range/"


def digest_of(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


def a_list(folder: Path) -> Path:
    path = folder / "list.txt"
    digests = sorted(map(digest_of, (LEAKED, "something else", "another one")))
    path.write_text("".join(f"{digest}:2\n" for digest in digests))
    return path


@contextmanager
def a_world(
    database_url: str, clock: FakeClock, rules: dict[str, object], **breaches: object
) -> Iterator[World]:
    settings = {"breaches": {"url": FAR, **breaches}}
    policy = {"enforcement": "noncompliant", "rules": rules}
    with open_world(database_url, clock, policy=policy, settings=settings) as world:
        yield world


def change(world: World, user_id: UserId, new: str, *, forced: bool = False) -> list[str]:
    """Return the codes that speak against a change of one's own password."""
    form = ChangeForm(
        user_id=user_id,
        session_id=None,
        current_password=PASSWORD,
        new_password=new,
        forced=forced,
    )
    outcome = change_password(world.runtime, STAFF, form)
    if isinstance(outcome, NewPasswordRefused):
        return [finding.code for finding in outcome.findings]
    assert isinstance(outcome, PasswordChanged)
    return []


def put(world: World, user_id: UserId, new: str) -> list[str]:
    """Return the codes that speak against an administrator setting a password."""
    setting = Setting(source=SetBy.ADMIN)
    try:
        set_password(world.runtime, STAFF, user_id, new, setting, actor=HOST)
    except PasswordRejected as error:
        return [finding.code for finding in error.findings]
    return []


def as_typed(world: World, user_id: UserId, password: str) -> list[str]:
    """Return the codes that speak against a password at a sign-in."""
    with world.begin(write=False) as uow:
        account = find_account_by_id(uow, user_id)
        policy = current_policy(uow)
    assert account is not None
    found = judge_as_typed(world.runtime, policy, account, password, world.clock.now())
    return [finding.code for finding in found]


def test_strength_is_measured_with_the_users_own_words(database_url: str, clock: FakeClock) -> None:
    with a_world(database_url, clock, {"strength": {"min_score": 4}}) as world:
        ada = world.add_user("tangaroa.whakapapa", user={"name": "Ada"})

        assert change(world, ada, "tangaroawhakapapa") == ["password.too_weak"]
        assert put(world, ada, "qwertyuiop") == ["password.too_weak"]
        assert as_typed(world, ada, "whakapapa1") == ["password.too_weak"]
        assert as_typed(world, ada, FINE) == []
        assert change(world, ada, FINE) == []


def test_a_leaked_password_is_found_in_the_file(
    database_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    rules: dict[str, object] = {"breached": {"source": "file", "on_failure": "refuse"}}
    with a_world(database_url, clock, rules, file=str(a_list(tmp_path))) as world:
        ada = world.add_user("ada")

        assert change(world, ada, LEAKED) == ["password.breached"]
        assert put(world, ada, LEAKED) == ["password.breached"]
        assert as_typed(world, ada, LEAKED) == ["password.breached"]
        assert as_typed(world, ada, FINE) == []
        assert change(world, ada, FINE) == []


def test_a_leaked_password_is_known_to_the_service(database_url: str, clock: FakeClock) -> None:
    with (
        a_world(database_url, clock, {"breached": {"source": "hibp"}}) as world,
        responses.RequestsMock() as far,
    ):
        ada = world.add_user("ada")
        digest = digest_of(LEAKED)
        far.get(f"{FAR}{digest[:5]}", body=f"{digest[5:]}:9\r\n{'0' * 35}:0\r\n")

        assert change(world, ada, LEAKED) == ["password.breached"]


@pytest.mark.parametrize(("on_failure", "codes"), [("accept", []), ("refuse", [UNCHECKED])])
@pytest.mark.parametrize("source", ["hibp", "file"])
def test_the_policy_says_what_holds_when_nobody_can_look(
    database_url: str, clock: FakeClock, source: str, on_failure: str, codes: list[str]
) -> None:
    rules: dict[str, object] = {"breached": {"source": source, "on_failure": on_failure}}
    with a_world(database_url, clock, rules) as world, responses.RequestsMock() as far:
        ada = world.add_user("ada")
        if source == "hibp":
            far.get(f"{FAR}{digest_of(FINE)[:5]}", status=503)

        assert as_typed(world, ada, FINE) == codes
        assert put(world, ada, FINE) == codes


def test_without_the_rule_nobody_is_asked(database_url: str, clock: FakeClock) -> None:
    with a_world(database_url, clock, {"length": {"min": 8}}) as world, responses.RequestsMock():
        ada = world.add_user("ada")

        assert change(world, ada, LEAKED) == []


@pytest.mark.parametrize("forced", [False, True])
def test_a_password_like_the_current_one_is_refused_where_that_was_typed(
    database_url: str, clock: FakeClock, *, forced: bool
) -> None:
    rules: dict[str, object] = {"differs_from_current": {"min_distance": 4}}
    with a_world(database_url, clock, rules) as world:
        ada = world.add_user("ada")
        similar = PASSWORD.upper() + "!"

        assert change(world, ada, similar, forced=forced) == ["password.too_similar"]
        assert change(world, ada, PASSWORD[::-1], forced=forced) == ["password.too_similar"]
        assert change(world, ada, PASSWORD, forced=forced) == ["password.same_as_current"]
        assert put(world, ada, PASSWORD) == ["password.same_as_current"]
        assert put(world, ada, similar) == []


@pytest.mark.parametrize("password", ["TimeTrak", "k4r7emi7", "Acme Roofing 1", "gnifoorEMCA!"])
def test_the_names_of_the_realm_and_the_product_are_nobodys_password(
    database_url: str, clock: FakeClock, password: str
) -> None:
    settings = {"realms": {"staff": {"display_name": "Acme Roofing"}, "portal": {}}}
    policy: dict[str, object] = {"rules": {"not_personal": {}}}
    with open_world(database_url, clock, policy=policy, settings=settings) as world:
        ada = world.add_user("ada")

        assert change(world, ada, password) == ["password.personal"]
        assert as_typed(world, ada, password) == ["password.personal"]
        assert as_typed(world, ada, "a roof of acme slates") == []


# A policy is published only if what it looks in is there


BY_FILE: dict[str, object] = {"breached": {"source": "file"}}
BY_SERVICE: dict[str, object] = {"breached": {"source": "hibp"}}


def why_not(world: World, rules: dict[str, object]) -> str | None:
    """Return why a policy with these rules cannot be planned, or None."""
    params = {"policy": {"rules": rules}}
    try:
        create_plan(world.runtime, STAFF, "policy.publish", params, SYSTEM)
    except InvalidInput as error:
        return f"{error.code}: {error.params['path']}: {error.params['reason']}"
    return None


def test_a_policy_with_a_list_in_a_file_needs_the_setting(
    database_url: str, clock: FakeClock
) -> None:
    with a_world(database_url, clock, {}) as world:
        assert why_not(world, BY_FILE) == (
            'policy.invalid: rules.breached.source: "file" needs the setting breaches.file '
            "in the configuration"
        )
        assert why_not(world, BY_SERVICE) is None


@pytest.mark.parametrize("content", [None, "", "password\n123456\n"])
def test_a_policy_with_a_list_in_a_file_needs_such_a_list(
    database_url: str, clock: FakeClock, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "garbled.txt"
    if content is not None:
        path.write_text(content)
    with a_world(database_url, clock, {}, file=str(path)) as world:
        assert "cannot be read" in str(why_not(world, BY_FILE))


def test_a_policy_with_a_list_in_a_file_is_published_when_it_is_there(
    database_url: str, clock: FakeClock, tmp_path: Path
) -> None:
    with a_world(database_url, clock, {}, file=str(a_list(tmp_path))) as world:
        assert why_not(world, BY_FILE) is None
        with world.begin() as uow:
            policy = read_policy(STAFF, {"rules": BY_FILE})
            new = NewVersion(policy=policy, document={"rules": BY_FILE}, origin="admin")
            assert append_version(uow, new, base=1) == 2


def test_a_version_is_not_appended_without_its_list(database_url: str, clock: FakeClock) -> None:
    document = {"rules": BY_FILE}
    with a_world(database_url, clock, {}) as world:
        new = NewVersion(policy=read_policy(STAFF, document), document=document, origin="admin")

        with pytest.raises(InvalidInput), world.begin() as uow:
            append_version(uow, new, base=1)
        with world.begin(write=False) as uow:
            assert current_policy(uow).number == 1
