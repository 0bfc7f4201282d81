"""The vendors there are. Each was tested against a real server; nothing else asks who made one."""

from collections.abc import Mapping

from connectors.ldap.active_directory import ACTIVE_DIRECTORY
from connectors.ldap.dialect import Dialect
from connectors.ldap.ds389 import DS389
from connectors.ldap.openldap import OPENLDAP

DIALECTS: Mapping[str, Dialect] = {
    dialect.vendor: dialect for dialect in (OPENLDAP, ACTIVE_DIRECTORY, DS389)
}
"""Vendor → dialect."""
