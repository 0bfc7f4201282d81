"""Ring two: no key and no reference of the database leads out of a realm."""

import pytest
import sqlalchemy as sa

from idp.store.base import Base

REALMS = "realms"
TABLES = [table for table in Base.metadata.sorted_tables if table.name != REALMS]


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_the_realm_is_part_of_the_primary_key(table: sa.Table) -> None:
    assert "realm" in table.primary_key.columns
    assert not table.c.realm.nullable


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_every_reference_stays_in_the_realm(table: sa.Table) -> None:
    pairs = [
        {element.parent.name: element.target_fullname for element in constraint.elements}
        for constraint in table.foreign_key_constraints
    ]

    assert {"realm": "realms.name"} in pairs
    for pair in pairs:
        target = next(iter(pair.values())).partition(".")[0]
        assert pair["realm"] == ("realms.name" if target == REALMS else f"{target}.realm")


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_what_is_unique_is_unique_in_its_realm(table: sa.Table) -> None:
    unique = [
        [column.name for column in constraint.columns]
        for constraint in table.constraints
        if isinstance(constraint, sa.UniqueConstraint)
    ]
    unique += [[column.name for column in index.columns] for index in table.indexes if index.unique]

    assert [columns for columns in unique if "realm" not in columns] == []


def test_the_migrated_database_is_the_one_of_the_rows(database_url: str) -> None:
    engine = sa.create_engine(database_url)
    try:
        found = sa.inspect(engine)
        for table in TABLES:
            keys = found.get_pk_constraint(table.name)["constrained_columns"]
            assert set(keys) == set(table.primary_key.columns.keys())
            for reference in found.get_foreign_keys(table.name):
                assert "realm" in reference["constrained_columns"]
    finally:
        engine.dispose()
