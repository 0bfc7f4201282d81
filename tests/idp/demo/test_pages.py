"""The demo's own pages answer this machine's browser and nobody's tricks."""

import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from idp.adapters.mail import FolderMailer
from idp.clock import FakeClock
from idp.demo.app_site import create_site
from idp.demo.mail_page import create_mail_site
from idp.demo.relying_party import Begun, Refused, Registered, RelyingParty
from idp.demo.samples import APPS, SCOPE
from idp.demo.words import notice_of

MAIL_URL = "http://127.0.0.1:18004"
ISSUER = "http://localhost:18000/realms/staff"
APP_URL = "http://127.0.0.1:18001"


def _mail(subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "TimeTrak <no-reply@example.co.nz>"
    message["To"] = "office@example.co.nz"
    message["Subject"] = subject
    message["Date"] = "Wed, 25 Nov 2026 10:00:00 +0000"
    message.set_content(text)
    return message


def _mail_client(folder: Path, elsewhere: str | None = None) -> FlaskClient:
    return create_mail_site(folder, MAIL_URL, elsewhere=elsewhere).test_client()


@pytest.fixture
def party() -> RelyingParty:
    registered = Registered(
        issuer=ISSUER, client_id="timetrak-professional", secret="s" * 32, url=APP_URL, scope=SCOPE
    )
    return RelyingParty(registered, FakeClock())


@pytest.fixture
def app(party: RelyingParty) -> FlaskClient:
    return create_site(APPS[0], party, FakeClock()).test_client()


def test_a_mail_is_shown_with_its_links_and_nothing_of_it_is_markup(tmp_path: Path) -> None:
    text = "Open this link:\nhttp://localhost:18000/a?b=c&d=e.\n<script>alert(1)</script>"
    FolderMailer(tmp_path).send(_mail("Choose a <new> password", text))

    shown = _mail_client(tmp_path).get("/", base_url=MAIL_URL).get_data(as_text=True)

    assert '<a href="http://localhost:18000/a?b=c&amp;d=e">' in shown
    assert "<script>alert" not in shown
    assert "Choose a &lt;new&gt; password" in shown


def test_the_newest_mail_is_the_first(tmp_path: Path) -> None:
    for number in range(3):
        FolderMailer(tmp_path).send(_mail(f"Number {number}", "Hello."))

    shown = _mail_client(tmp_path).get("/", base_url=MAIL_URL).get_data(as_text=True)

    assert re.findall(r"Number \d", shown) == ["Number 2", "Number 1", "Number 0"]


def test_the_pages_script_learns_of_a_new_mail(tmp_path: Path) -> None:
    client = _mail_client(tmp_path)
    before = client.get("/newest", base_url=MAIL_URL).json
    FolderMailer(tmp_path).send(_mail("Hello", "Hello."))

    assert client.get("/newest", base_url=MAIL_URL).json != before


def test_the_page_says_where_else_mails_go(tmp_path: Path) -> None:
    client = _mail_client(tmp_path, elsewhere="127.0.0.1:2525")

    assert "Mails go to 127.0.0.1:2525" in client.get("/", base_url=MAIL_URL).get_data(as_text=True)


def test_a_page_elsewhere_cannot_read_mails_under_a_name_of_its_own(tmp_path: Path) -> None:
    answer = _mail_client(tmp_path).get("/", base_url="http://rebound.example:18004")

    assert answer.status_code == 421


@pytest.mark.parametrize("origin", [None, "null", "http://127.0.0.1:9999"])
def test_a_form_on_a_page_elsewhere_is_refused(app: FlaskClient, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}

    assert app.post("/sign-out", base_url=APP_URL, headers=headers).status_code == 403


def test_a_page_loads_nothing_from_elsewhere_and_is_not_kept(app: FlaskClient) -> None:
    answer = app.get("/", base_url=APP_URL)

    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "form-action 'self' http://localhost:18000" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_answer_without_a_question_is_refused(app: FlaskClient) -> None:
    answer = app.get("/callback?code=c&state=s&iss=" + ISSUER, base_url=APP_URL)

    assert answer.status_code == 400
    assert "not begun in this browser" in answer.get_data(as_text=True)


def test_another_server_cannot_begin_a_sign_in(app: FlaskClient) -> None:
    answer = app.get("/sign-in?iss=https://evil.example", base_url=APP_URL)

    assert answer.status_code == 400


def test_an_app_says_when_the_server_is_away(app: FlaskClient) -> None:
    answer = app.get("/sign-in", base_url=APP_URL)

    assert answer.status_code == 502
    assert "does not answer" in answer.get_data(as_text=True)


def test_an_answer_of_another_server_is_refused_before_anything_is_sent(
    party: RelyingParty,
) -> None:
    begun = Begun("", "state", "nonce", "verifier")

    outcome = party.finish(begun, {"iss": "https://evil.example", "code": "c", "state": "state"})

    assert isinstance(outcome, Refused)
    assert outcome.error == "wrong_issuer"


def test_a_refusal_of_the_server_is_told_as_it_is(party: RelyingParty) -> None:
    answer = {"iss": ISSUER, "error": "access_denied", "error_description": "Not allowed."}

    outcome = party.finish(Begun("", "state", "nonce", "verifier"), answer)

    assert outcome == Refused("access_denied", "Not allowed.")


def test_only_an_app_that_follows_the_servers_address_offers_it() -> None:
    refused = Refused("invalid_grant", "", "password_change_required", f"{ISSUER}/action/x")

    phone = notice_of(refused, follows_action=True)
    desk = notice_of(refused, follows_action=False)

    assert phone.action == (f"{ISSUER}/action/x", "Choose a new password")
    assert desk.action == ("/sign-in", "Sign in again")
    assert phone.code == desk.code == "invalid_grant · password_change_required"
