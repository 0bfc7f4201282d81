"""Mail, handed to real servers on the loopback interface."""

import contextlib
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from idp.adapters.mail import FolderMailer, SmtpMailer, open_mailer
from idp.clock import SystemClock
from idp.core.ports import Mailer, MailRefused, MailTemporary
from tests.support.mailbox import Behaviour, SmtpServer
from tests.support.ports import LOOPBACK, free_port

ADA = "ada@example.co.nz"


def a_message(to: str = ADA) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "TimeTrak <no-reply@example.co.nz>"
    message["To"] = to
    message["Subject"] = "Passwort zurücksetzen"
    message["Message-ID"] = "<reset-1@example.co.nz>"
    message.set_content("Kia ora Ada,\n\nhttps://id.example.co.nz/reset?token=abc\n")
    return message


# A server that takes mail


def test_a_message_arrives_as_it_was_written(smtp_server: SmtpServer) -> None:
    open_mailer(smtp_server.url).send(a_message())

    [delivery] = smtp_server.deliveries
    assert delivery.sender == "no-reply@example.co.nz"
    assert delivery.recipients == (ADA,)
    assert delivery.message["Message-ID"] == "<reset-1@example.co.nz>"
    assert delivery.message["Subject"] == "Passwort zurücksetzen"
    assert "https://id.example.co.nz/reset?token=abc" in delivery.text


def test_a_check_reaches_the_server_and_sends_nothing(smtp_server: SmtpServer) -> None:
    SmtpMailer(smtp_server.url).check()
    smtp_server.behave(Behaviour.REFUSE)

    with pytest.raises(MailTemporary):
        SmtpMailer(smtp_server.url).check()
    assert smtp_server.deliveries == ()


# A server that does not


def test_a_server_that_is_away_is_tried_again_later(smtp_server: SmtpServer) -> None:
    mailer = open_mailer(smtp_server.url)
    smtp_server.behave(Behaviour.REFUSE)
    with pytest.raises(MailTemporary):
        mailer.send(a_message())

    smtp_server.behave(Behaviour.ACCEPT)
    mailer.send(a_message())

    assert len(smtp_server.deliveries) == 1


def test_a_server_that_keeps_silent_is_given_up(smtp_server: SmtpServer) -> None:
    smtp_server.behave(Behaviour.TARPIT)

    with pytest.raises(MailTemporary, match="timed out"):
        SmtpMailer(smtp_server.url, timeout=0.3).send(a_message())

    smtp_server.behave(Behaviour.ACCEPT)


def test_a_server_that_says_later_is_tried_later(smtp_server: SmtpServer) -> None:
    smtp_server.behave(Behaviour.TRY_LATER)

    with pytest.raises(MailTemporary, match="451"):
        open_mailer(smtp_server.url).send(a_message())


def test_a_recipient_that_does_not_exist_is_final(smtp_server: SmtpServer) -> None:
    smtp_server.behave(Behaviour.REJECT)

    with pytest.raises(MailRefused, match=r"550 .* no such mailbox"):
        open_mailer(smtp_server.url).send(a_message())


@dataclass
class Whims:
    """A mail server that answers each step as a test wants it."""

    sender: str = "250 OK"
    recipients: dict[str, str] = field(default_factory=dict)
    content: str = "250 OK"
    goodbye: str = "221 Bye"
    taken: list[EmailMessage] = field(default_factory=list)
    was_private: list[bool] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        assert server.transport is not None
        self.was_private.append(server.transport.get_extra_info("sslcontext") is not None)
        self.signed_in.append(session.authenticated is True)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self.sender

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.recipients.get(address, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        if self.content.startswith("2"):
            self.taken.append(message_from_bytes(content, policy=policy.default))
        return self.content

    async def handle_QUIT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        if self.goodbye == "hang up":
            assert server.transport is not None
            server.transport.close()
        return self.goodbye


Serve = Callable[..., str]


@pytest.fixture
def whims() -> Whims:
    """Give the answers of a server, to be changed by the test."""
    return Whims()


@pytest.fixture
def serve(whims: Whims) -> Iterator[Serve]:
    """Give a way to run a server with `whims`; returns HOST:PORT."""
    with contextlib.ExitStack() as running:

        def start(**options: Any) -> str:  # noqa: ANN401 - whatever aiosmtpd takes
            port = free_port()
            controller = Controller(whims, hostname=LOOPBACK, port=port, **options)
            controller.start()
            running.callback(controller.stop)
            return f"{LOOPBACK}:{port}"

        yield start


@pytest.mark.parametrize(
    ("stage", "answer", "outcome"),
    [
        ("sender", "451 later", MailTemporary),
        ("sender", "553 not from you", MailTemporary),
        ("content", "554 looks like spam", MailRefused),
        ("content", "452 disk full", MailTemporary),
    ],
)
def test_only_what_is_wrong_with_the_message_is_final(
    serve: Serve, whims: Whims, stage: str, answer: str, outcome: type[Exception]
) -> None:
    setattr(whims, stage, answer)

    with pytest.raises(outcome, match=answer):
        open_mailer(f"smtp://{serve()}").send(a_message())

    assert whims.taken == []


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        (("550 unknown", "550 unknown"), MailRefused),
        (("550 unknown", "450 busy"), MailTemporary),
        (("450 greylisted", "450 greylisted"), MailTemporary),
    ],
)
def test_when_nobody_got_it_one_who_may_get_it_later_counts(
    serve: Serve, whims: Whims, answers: tuple[str, str], outcome: type[Exception]
) -> None:
    whims.recipients = dict(zip((ADA, "bob@example.co.nz"), answers, strict=True))

    with pytest.raises(outcome):
        open_mailer(f"smtp://{serve()}").send(a_message(f"{ADA}, bob@example.co.nz"))


def test_when_somebody_got_it_it_is_not_sent_again(serve: Serve, whims: Whims) -> None:
    whims.recipients = {"bob@example.co.nz": "450 busy"}

    with pytest.raises(MailRefused, match="450 busy"):
        open_mailer(f"smtp://{serve()}").send(a_message(f"{ADA}, bob@example.co.nz"))

    assert len(whims.taken) == 1


@pytest.mark.parametrize("goodbye", ["421 too late", "hang up"])
def test_a_rude_goodbye_does_not_lead_to_a_second_copy(
    serve: Serve, whims: Whims, goodbye: str
) -> None:
    whims.goodbye = goodbye

    open_mailer(f"smtp://{serve()}").send(a_message())

    assert len(whims.taken) == 1


def test_an_address_that_the_server_cannot_have_is_final(serve: Serve) -> None:
    with pytest.raises(MailRefused):
        open_mailer(f"smtp://{serve(enable_SMTPUTF8=False)}").send(a_message("adá@example.co.nz"))


# TLS and sign-in


@dataclass(frozen=True)
class Tls:
    """A server's side and the side of a client that trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """Give a certificate for the loopback address, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]),
            critical=False,
        )
        .sign(key, SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return Tls(server, ssl.create_default_context(cafile=str(folder / "cert.pem")))


def test_tls_is_used_when_it_is_offered(serve: Serve, whims: Whims, tls: Tls) -> None:
    SmtpMailer(f"smtp://{serve(tls_context=tls.server)}", tls=tls.client).send(a_message())

    assert whims.was_private == [True]


def test_smtps_is_tls_from_the_first_byte(serve: Serve, whims: Whims, tls: Tls) -> None:
    url = f"smtps://{serve(ssl_context=tls.server)}"

    SmtpMailer(url, tls=tls.client).send(a_message())

    assert len(whims.taken) == 1


@pytest.mark.parametrize(("scheme", "option"), [("smtp", "tls_context"), ("smtps", "ssl_context")])
def test_a_certificate_that_nobody_vouches_for_gets_no_mail(
    serve: Serve, whims: Whims, tls: Tls, scheme: str, option: str
) -> None:
    url = f"{scheme}://{serve(**{option: tls.server})}"

    with pytest.raises(MailTemporary, match="certificate"):
        open_mailer(url).send(a_message())

    assert whims.taken == []


def takes_the_right_password(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    is_right = (data.login, data.password) == (b"idp@example", b"p@ss/word")
    return AuthResult(success=is_right, handled=is_right)


def test_the_user_and_password_of_the_url_sign_in(serve: Serve, whims: Whims, tls: Tls) -> None:
    at = serve(tls_context=tls.server, authenticator=takes_the_right_password)
    url = f"smtp://idp%40example:p%40ss%2Fword@{at}"

    SmtpMailer(url, tls=tls.client).send(a_message())

    assert whims.signed_in == [True]


def test_a_wrong_password_can_be_mended_so_the_mail_is_kept(
    serve: Serve, whims: Whims, tls: Tls
) -> None:
    at = serve(tls_context=tls.server, authenticator=takes_the_right_password)

    with pytest.raises(MailTemporary, match="535"):
        SmtpMailer(f"smtp://idp:wrong@{at}", tls=tls.client).send(a_message())

    assert whims.taken == []


def test_a_password_does_not_cross_the_network_in_clear(serve: Serve, whims: Whims) -> None:
    at = serve(authenticator=takes_the_right_password, auth_require_tls=False)
    by_a_far_name = at.replace(LOOPBACK, "0.0.0.0")  # which Linux delivers to itself

    with pytest.raises(MailTemporary, match="the password was not sent"):
        open_mailer(f"smtp://idp%40example:p%40ss%2Fword@{by_a_far_name}").send(a_message())
    open_mailer(f"smtp://idp%40example:p%40ss%2Fword@{at}").send(a_message())

    assert whims.signed_in == [True]


# Headers


@pytest.mark.parametrize("name", ["To", "From", "Subject"])
@pytest.mark.parametrize(
    "value", ["a@b.nz\r\nBcc: c@d.nz", "a@b.nz\nBcc: c@d.nz", "a@b.nz\rX: y", "a@b.nz\0"]
)
def test_a_header_cannot_break_out_of_its_line(
    smtp_server: SmtpServer, tmp_path: Path, name: str, value: str
) -> None:
    message = EmailMessage(policy=policy.compat32)  # which checks nothing
    message["From"] = "no-reply@example.co.nz"
    message["To"] = ADA
    del message[name]
    message[name] = value
    mailers: tuple[Mailer, ...] = (open_mailer(smtp_server.url), FolderMailer(tmp_path / "mail"))

    for mailer in mailers:
        with pytest.raises(MailRefused, match="holds a line break"):
            mailer.send(message)

    assert smtp_server.deliveries == ()
    assert not (tmp_path / "mail").exists()


def test_a_long_header_may_be_folded(smtp_server: SmtpServer) -> None:
    folded = message_from_bytes(
        b"From: a@example.co.nz\r\nTo: ada@example.co.nz\r\nSubject: one\r\n two\r\n\r\nHello\r\n",
        _class=EmailMessage,
        policy=policy.default,
    )

    open_mailer(smtp_server.url).send(folded)

    assert smtp_server.deliveries[0].message["Subject"] == "one two"


# A folder instead of a server


def read_folder(folder: Path) -> list[EmailMessage]:
    return [
        message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=policy.default)
        for file in sorted(folder.iterdir())
    ]


def test_a_folder_gets_one_private_file_for_each_message(tmp_path: Path) -> None:
    folder = tmp_path / "outgoing" / "mail"
    mailer = open_mailer(f"file:{folder}")
    other = a_message()
    other.replace_header("Message-ID", "<reset-2@example.co.nz>")

    for message in (a_message(), other):
        mailer.send(message)

    assert {str(message["Message-ID"]) for message in read_folder(folder)} == {
        "<reset-1@example.co.nz>",
        "<reset-2@example.co.nz>",
    }
    assert {file.suffix for file in folder.iterdir()} == {".eml"}
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_same_message_sent_twice_is_there_once(tmp_path: Path) -> None:
    for _ in range(2):
        FolderMailer(tmp_path).send(a_message())

    [message] = read_folder(tmp_path)
    assert "Kia ora Ada" in str(message.get_content())


def test_messages_without_an_id_do_not_replace_each_other(tmp_path: Path) -> None:
    message = a_message()
    del message["Message-ID"]

    for _ in range(2):
        FolderMailer(tmp_path).send(message)

    assert len(read_folder(tmp_path)) == 2


def test_a_folder_that_cannot_be_written_to_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("not a folder")

    with pytest.raises(MailTemporary):
        FolderMailer(tmp_path / "mail").send(a_message())


def test_a_check_of_a_folder_makes_nothing(tmp_path: Path) -> None:
    FolderMailer(tmp_path / "outgoing" / "mail").check()
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(MailTemporary, match="cannot be written to"):
        FolderMailer(tmp_path / "file").check()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
