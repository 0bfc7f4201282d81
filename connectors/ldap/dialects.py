"""The vendors there are. Nothing else asks who made a server, but for the check's advice."""

from collections.abc import Mapping

from connectors.ldap.active_directory import ACTIVE_DIRECTORY
from connectors.ldap.dialect import Dialect
from connectors.ldap.ds389 import DS389
from connectors.ldap.freeipa import FREEIPA
from connectors.ldap.openldap import OPENLDAP

DIALECTS: Mapping[str, Dialect] = {
    dialect.vendor: dialect for dialect in (OPENLDAP, ACTIVE_DIRECTORY, DS389, FREEIPA)
}
"""Vendor → dialect."""
