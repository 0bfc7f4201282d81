"""The end-user pages without a browser: what their files promise."""

import re
from html.parser import HTMLParser
from typing import Final

import pytest

from tests.idp.web.look_pages import SAMPLES, Sample
from tests.idp.web.look_site import WEB, render

PAGES: Final = frozenset(
    {
        *("sign-in", "change-password", "consent", "forgot-password", "reset-password"),
        *("second-factor", "device", "account", "error", "signed-out"),
    }
)
every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)


class Outline(HTMLParser):
    """The elements of a page, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@every_sample
def test_each_page_says_which_page_it_is_and_which_door(sample: Sample) -> None:
    outline = Outline(render(sample))
    (body,) = outline.all("body")

    assert body["data-page"] in PAGES
    assert body.get("class") == (f"realm-{sample.realm}" if sample.realm else None)
    assert len(outline.all("h1")) == len(outline.all("main")) == 1


@every_sample
def test_nothing_in_a_page_needs_an_unsafe_content_policy(sample: Sample) -> None:
    outline = Outline(render(sample))

    assert not outline.all("style")
    assert all(script.get("src") for script in outline.all("script"))
    for tag, attributes in outline.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
        assert not [v for v in attributes.values() if v and v.startswith("javascript:")], tag


@every_sample
def test_every_input_has_a_label_and_every_reference_a_target(sample: Sample) -> None:
    outline = Outline(render(sample))
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    labelled = {label["for"] for label in outline.all("label")}

    assert len(ids) == len(set(ids))
    for field in outline.all("input"):
        assert field.get("type") == "hidden" or field["id"] in labelled
    for _, attributes in outline.tags:
        for name in ("for", "aria-describedby", "data-reveal", "data-match", "data-list"):
            assert set((attributes.get(name) or "").split()) <= set(ids)


@every_sample
def test_every_form_of_ours_is_a_post_with_a_csrf_field(sample: Sample) -> None:
    html = render(sample)
    forms = re.findall(r"<form.*?</form>", html, re.DOTALL)

    for form in forms:
        assert '<form method="post"' in form
        assert ('name="csrf"' in form) is (sample.template != "form_post.html")
        assert 'type="submit"' in form


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("sign-in", {"username": "username", "password": "current-password"}),
        (
            "change-forced",
            {
                "username": "username",
                "current_password": "current-password",
                "new_password": "new-password",
                "confirm_password": "new-password",
            },
        ),
        ("forgot", {"email": "email"}),
        ("forgot-sent", {"code": "one-time-code"}),
        (
            "reset",
            {
                "username": "username",
                "new_password": "new-password",
                "confirm_password": "new-password",
            },
        ),
        (
            "reset-code",
            {
                "code": "one-time-code",
                "new_password": "new-password",
                "confirm_password": "new-password",
            },
        ),
        (
            "setup",
            {
                "username": "username",
                "email": "email",
                "new_password": "new-password",
                "confirm_password": "new-password",
            },
        ),
    ],
)
def test_fields_have_the_published_names_and_autocomplete_tokens(
    name: str, fields: dict[str, str]
) -> None:
    """So that password managers know what each field is (Y-04)."""
    (sample,) = (s for s in SAMPLES if s.name == name)
    inputs = [i for i in Outline(render(sample)).all("input") if i.get("type") != "hidden"]

    assert {i["name"]: i["autocomplete"] for i in inputs} == fields


def test_consent_offers_allow_and_deny() -> None:
    (sample,) = (s for s in SAMPLES if s.name == "consent")
    buttons = Outline(render(sample)).all("button")

    assert [(b["name"], b["value"]) for b in buttons] == [
        ("decision", "allow"),
        ("decision", "deny"),
    ]


def test_form_post_hands_every_value_over_unaltered() -> None:
    (sample,) = (s for s in SAMPLES if s.name == "form-post")
    outline = Outline(render(sample))
    sent = [(i["name"], i["value"]) for i in outline.all("input")]

    assert sent == sample.context["fields"]
    assert outline.all("form")[0]["action"] == sample.context["action"]


def test_the_files_stay_small() -> None:
    sizes = {file.name: file.stat().st_size for file in (WEB / "static").iterdir()}

    assert sizes["idp.css"] <= 14_000
    assert sizes["password.js"] <= 3_072
    assert all(
        size <= 1_024 for name, size in sizes.items() if name not in {"idp.css", "password.js"}
    )


def test_every_page_template_is_looked_at() -> None:
    shared = {"layout.html", "parts.html"}
    pages = {file.name for file in (WEB / "templates").glob("*.html")} - shared

    assert {sample.template for sample in SAMPLES} >= pages


# --- colours: axe cannot tell on a patterned ground, nor for borders

READ: Final = (  # text on its ground
    *(("ink", "card"), ("ink", "ground"), ("ink", "bad-soft"), ("ink", "accent-soft")),
    *(("ink", "good-soft"), ("muted", "card"), ("muted", "ground"), ("muted", "well")),
    *(("accent", "card"), ("accent", "ground"), ("accent", "accent-soft"), ("bad", "card")),
    *(("on-accent", "accent"), ("on-accent", "accent-strong"), ("bad", "bad-soft")),
    *(("good", "good-soft"), ("good", "card"), ("accent-strong", "card")),
)
SEEN: Final = (("edge", "card"), ("edge", "well"), ("accent", "card"), ("bad", "card"))


def palette(scheme: str, realm: str) -> dict[str, str]:
    light, dark = (WEB / "static" / "idp.css").read_text().split("@media", 2)[:2]
    colours: dict[str, str] = {}
    for sheet in (light, dark) if scheme == "dark" else (light,):
        for selector in (":root", f".realm-{realm}"):
            for block in re.findall(
                rf"^ *{re.escape(selector)} {{(.*?)}}", sheet, re.MULTILINE | re.DOTALL
            ):
                colours.update(re.findall(r"--([\w-]+): (#\w{6});", block))
    return colours


def luminance(colour: str) -> float:
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("realm", ["staff", "portal", "another"])
def test_every_colour_stands_out_enough(scheme: str, realm: str) -> None:
    colours = palette(scheme, realm)

    read = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in READ}
    seen = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in SEEN}
    assert {pair: ratio for pair, ratio in read.items() if ratio < 4.5} == {}
    assert {pair: ratio for pair, ratio in seen.items() if ratio < 3} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_door_has_a_colour_of_its_own(scheme: str) -> None:
    accents = {palette(scheme, realm)["accent"] for realm in ("staff", "portal", "another")}

    assert len(accents) == 3
