"""A person at the pages: opens one, fills in its form, presses the button, follows where it leads.

`Visitor` reads the HTML that the product sent, so it posts what a browser would post: the form of
the page it looks at, with its hidden fields and to its address.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

from werkzeug.test import Client as HttpClient

from idp.ids import RealmName
from tests.support.story import Answer, Story
from tests.support.world import PUBLIC_URL, STAFF

_INLINE = frozenset({"a", "code", "span", "strong", "time"})


@dataclass
class Form:
    """One form of a page: where it goes, what it carries, and what can be typed into it."""

    action: str
    carried: dict[str, str] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.page = ""
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag not in _INLINE:
            self.texts.append(" ")
        if tag == "body":
            self.page = values.get("data-page", "")
        elif tag == "form":
            self.forms.append(Form(values["action"]))
        elif tag == "input" and self.forms:
            form = self.forms[-1]
            if values.get("type") == "hidden" or values.get("value"):
                form.carried[values["name"]] = values.get("value", "")
            if values.get("type") != "hidden":
                form.asked.add(values["name"])

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@dataclass
class Seen:
    """A page as its reader sees it."""

    answer: Answer
    page: str
    text: str
    forms: list[Form]

    @property
    def status(self) -> int:
        """Give the HTTP status."""
        return self.answer.status

    @property
    def location(self) -> str:
        """Give where the answer leads to."""
        return self.answer.location


def read_page(answer: Answer) -> Seen:
    """Return an answer as its reader sees it."""
    reader = _Reader()
    reader.feed(answer.text)
    text = re.sub(r"\s+", " ", "".join(reader.texts)).strip()
    return Seen(answer, reader.page, text, reader.forms)


@dataclass
class Visitor:
    """One person in one browser, in one realm."""

    story: Story
    browser: HttpClient
    realm: RealmName = STAFF
    user_agent: str = "Test/1.0"
    address: str = "127.0.0.1"
    seen: Seen | None = None

    def open(self, path: str) -> Seen:
        """Open a path of the realm, or a whole address of this product."""
        return self.send("GET", path)

    def submit(self, number: int = 0, /, **typed: str) -> Seen:
        """Fill in a form of the page one looks at, and send it; forms are counted from 0."""
        assert self.seen is not None, "no page is open"
        form = self.seen.forms[number]
        return self.post(form.action, **{**form.carried, **typed})

    def post(self, path: str, /, **fields: str) -> Seen:
        """Send exactly these fields to an address."""
        return self.send("POST", path, data=fields)

    def send(
        self,
        method: str,
        path: str,
        *,
        data: Mapping[str, str] | bytes | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Seen:
        """Send any request with the cookies of this browser."""
        answer = self.story.send(
            method,
            path,
            realm=self.realm,
            browser=self.browser,
            data=data,
            content_type=content_type,
            environ_base={"REMOTE_ADDR": self.address},
            headers={"User-Agent": self.user_agent, **(headers or {})},
        )
        self.seen = read_page(answer)
        return self.seen

    def go_on(self) -> Seen:
        """Follow redirects as long as they stay on this site."""
        assert self.seen is not None, "no page is open"
        while self.seen.location.startswith(PUBLIC_URL):
            self.open(self.seen.location)
        return self.seen

    def sign_in(self, name: str, password: str) -> Seen:
        """Sign in on the realm's own page and go on to the account."""
        self.open("/sign-in")
        self.submit(username=name, password=password)
        return self.go_on()

    def change_password(self, current: str, new: str) -> Seen:
        """Change the password on the account's own page; somebody is signed in."""
        self.open("/account/password")
        self.submit(current_password=current, new_password=new, confirm_password=new)
        return self.go_on()

    def cookie(self, purpose: str) -> str | None:
        """Return the value of one of the product's cookies in this browser."""
        host = urlsplit(PUBLIC_URL).hostname or ""
        found = self.browser.get_cookie(f"__Host-idp-{self.realm}-{purpose}", host)
        return None if found is None else found.value

    def set_cookie(self, purpose: str, value: str) -> None:
        """Put one of the product's cookies into this browser."""
        self.browser.set_cookie(f"__Host-idp-{self.realm}-{purpose}", value)


def visitor(story: Story, *, realm: RealmName = STAFF) -> Visitor:
    """Return a person in a browser of their own."""
    return Visitor(story, story.new_browser(), realm)
