"""How templates come to be pages."""

from collections.abc import Callable
from pathlib import Path

import pytest

from idp.http import templating
from idp.http.templating import Site
from tests.support.world import open_world


@pytest.fixture
def make_site(sqlite_url: str, tmp_path: Path) -> Callable[[], Site]:
    """Give a way to make one site after the other over the same templates."""

    def make() -> Site:
        site = Site("site", template_folder=str(tmp_path), static_folder=str(tmp_path))
        with open_world(sqlite_url) as world:
            templating.install(site, world.runtime)
        return site

    return make


def test_a_template_is_compiled_once_however_many_sites_there_are(
    make_site: Callable[[], Site], tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("Kia ora {{ name }}")

    first, second = (make_site().jinja_env.get_template("page.html") for _ in range(2))

    assert first.root_render_func.__code__ is second.root_render_func.__code__
    assert second.render(name="<Ada>") == "Kia ora &lt;Ada&gt;"


def test_a_template_that_was_changed_is_compiled_anew(
    make_site: Callable[[], Site], tmp_path: Path
) -> None:
    (tmp_path / "page.html").write_text("Kia ora")
    assert make_site().jinja_env.get_template("page.html").render() == "Kia ora"

    (tmp_path / "page.html").write_text("Haere mai")
    assert make_site().jinja_env.get_template("page.html").render() == "Haere mai"
