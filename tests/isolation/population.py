"""Two populations that look the same: same names, addresses, passwords, client ids and secrets.

So when something of one is refused by the other, it is the realm that refused it.
"""

from dataclasses import dataclass
from typing import Any

from idp.ids import RealmName, UserId
from tests.support.pages import Visitor, visitor
from tests.support.story import CALLBACK, App, Story
from tests.support.world import PASSWORD, PORTAL, STAFF

SECRET = "the same secret in both realms, 43 letters"
GOODBYE = "https://web.example/bye"


@dataclass
class Population:
    """One realm with ada, signed in on its page, and two apps."""

    story: Story
    realm: RealmName
    ada: UserId
    person: Visitor
    web: App
    resource_server: App

    def tokens(self) -> dict[str, Any]:
        """Return what the web app gets for ada."""
        return self.story.tokens(self.web, browser=self.person.browser, scope="openid email")

    def cookie(self, purpose: str) -> str:
        """Return one of the cookies of ada's browser."""
        value = self.person.cookie(purpose)
        assert value is not None
        return value

    def browser_with(self, **cookies: str) -> Visitor:
        """Return another browser that has these cookies, under this realm's names."""
        other = visitor(self.story, realm=self.realm)
        for purpose, value in cookies.items():
            other.set_cookie(purpose, value)
        return other


def populate(story: Story, realm: RealmName) -> Population:
    """Return a realm with its ada and its apps."""
    ada = story.person("ada", realm=realm)
    person = visitor(story, realm=realm)
    person.sign_in("ada", PASSWORD)
    web = story.app(
        realm=realm,
        secret=SECRET,
        redirect_uris=(CALLBACK,),
        post_logout_redirect_uris=(GOODBYE,),
    )
    resource_server = story.app(
        "rs", realm=realm, secret=SECRET, application_type="service", may_introspect=True
    )
    return Population(story, realm, ada, person, web, resource_server)


def both(story: Story) -> tuple[Population, Population]:
    """Return staff and portal."""
    return populate(story, STAFF), populate(story, PORTAL)
