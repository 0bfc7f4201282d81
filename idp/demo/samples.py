"""What the demo is filled with: policies, accounts and apps. All of it is made up."""

from collections.abc import Mapping
from dataclasses import dataclass

from idp.core.client_registration import Registration
from idp.core.scopes import ADMIN_SCOPES
from idp.demo.places import Places
from idp.ids import RealmName
from policy.presets import timetrak_classic

STAFF = RealmName("staff")
PORTAL = RealmName("portal")
GROUPS = ("Field", "Office")
SCOPE = "openid profile email groups offline_access"
SERVICE = "timetrak-scripts"
"""The client with which scripts call the administration API."""

START_POLICY: Mapping[str, object] = timetrak_classic()
"""Five characters; everyone is asked in staff, nobody in the portal. The recipe begins here."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in."""

    realm: RealmName
    username: str
    email: str
    name: str
    password: str
    groups: tuple[str, ...] = ()
    is_owner: bool = False


ACCOUNTS = (
    Account(STAFF, "office", "office@example.co.nz", "Office account", "office-demo", ("Office",)),
    Account(STAFF, "field", "field@example.co.nz", "Field account", "field-demo", ("Field",)),
    Account(STAFF, "yard", "yard@example.co.nz", "Yard account", "yard-demo", ("Field",)),
    Account(
        STAFF,
        "owner",
        "owner@example.co.nz",
        "Owner account",
        "owner-demo",
        ("Office",),
        is_owner=True,
    ),
    Account(
        PORTAL,
        "customer@example.co.nz",
        "customer@example.co.nz",
        "Customer account",
        "customer-demo",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleApp:
    """One sample app and how it is registered.

    `key` is its name among the `PARTS` of `Places`; `kind` is `web` or `native`.
    """

    key: str
    client_id: str
    name: str
    realm: RealmName
    kind: str
    says: str


APPS = (
    SampleApp(
        key="professional",
        client_id="timetrak-professional",
        name="TimeTrak Professional",
        realm=STAFF,
        kind="web",
        says="Timesheets and jobs for the office",
    ),
    SampleApp(
        key="mobile",
        client_id="timetrak-mobile",
        name="TimeTrak Mobile",
        realm=STAFF,
        kind="native",
        says="The jobs of the day, in the field",
    ),
    SampleApp(
        key="portal",
        client_id="timetrak-portal",
        name="TimeTrak Client Portal",
        realm=PORTAL,
        kind="web",
        says="Service requests for our customers",
    ),
)


def registration_of(app: SampleApp, places: Places) -> Registration:
    """Return how an app is registered.

    The one on the phone is public and names no port: it listens wherever it can (RFC 8252 7.3).
    """
    url = places.url(app.key)
    is_native = app.kind == "native"
    return Registration(
        client_id=app.client_id,
        client_name=app.name,
        application_type=app.kind,
        redirect_uris=("http://127.0.0.1/callback",) if is_native else (f"{url}/callback",),
        post_logout_redirect_uris=(f"{url}/signed-out",),
        initiate_login_uri=f"{url}/sign-in",
        grant_types=("authorization_code", "refresh_token"),
        scopes=tuple(SCOPE.split()),
        consent_required=False,
    )


def service_registration() -> Registration:
    """Return how the client for scripts is registered."""
    return Registration(
        client_id=SERVICE,
        client_name="Scripts of the demo",
        application_type="service",
        scopes=ADMIN_SCOPES,
    )
