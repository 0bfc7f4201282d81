"""Who would lose a role or an app is found by looking at members, however many are listed."""

from idp.core.client_admin import create_client
from idp.core.client_registration import Registration
from idp.core.groups import create_group
from idp.core.sync.group_losses import find_losses
from idp.store.directories import DirectoryGroupRow, DirectoryRunRow
from tests.support.explaining import compared_tables, steps_of
from tests.support.world import open_world


def test_no_member_is_compared_with_everybody_who_is_listed(postgresql_url: str) -> None:
    app = Registration(
        client_id="web", redirect_uris=("https://web.example/cb",), allowed_groups=("Admins",)
    )
    with open_world(postgresql_url) as world, world.begin() as uow:
        group = create_group(uow, "Admins")
        create_client(uow, app)
        place = {"connector": "corp", "stable_id": "g1", "address_hash": "at", "digest": ""}
        uow.db.add(DirectoryGroupRow(group_id=group.id, **place))
        run = DirectoryRunRow(
            id="run", connector="corp", mode="full", scope_digest="", state="reading",
            started_at=uow.now,
        )  # fmt: skip

        steps = steps_of(uow.db.connection(), lambda: find_losses(uow, run))

    assert compared_tables(steps) == {"directory_groups"}
