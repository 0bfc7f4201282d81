"""Makes a domain in a folder; run by the system's Python, which has Samba's modules.

Reads from standard input, as JSON: `configuration` (the file), `realm`, `password` (the
administrator's), and `steps`, each a list of [LDIF of changes, controls].
"""

import json
import logging
import sys

import ldb  # type: ignore[import-not-found]
from samba import dsdb  # type: ignore[import-not-found]
from samba.auth import system_session  # type: ignore[import-not-found]
from samba.param import LoadParm  # type: ignore[import-not-found]
from samba.provision import provision  # type: ignore[import-not-found]
from samba.samdb import SamDB  # type: ignore[import-not-found]
from samba.sd_utils import SDUtils  # type: ignore[import-not-found]


def main() -> None:
    """Make the domain, put people into it and let the service account reset their passwords."""
    told = json.load(sys.stdin)
    parameters = LoadParm()
    parameters.load(told["configuration"])
    provision(
        logging.getLogger(),
        system_session(),
        smbconf=told["configuration"],
        lp=parameters,
        realm=told["realm"],
        domain=told["realm"].partition(".")[0],
        hostname="dc1",
        hostip="127.0.0.1",
        serverrole="active directory domain controller",
        dom_for_fun_level=dsdb.DS_DOMAIN_FUNCTION_2008_R2,
        dns_backend="NONE",
        adminpass=told["password"],
        skip_sysvolacl=True,
        batch_mode=True,
    )
    database = SamDB(
        session_info=system_session(), lp=parameters, options=["nosync:1", "batch_mode:1"]
    )
    database.transaction_start()
    for text, controls in told["before"]:
        database.modify_ldif(text, controls)
    database.transaction_commit()
    database.transaction_start()
    for account, place, rights in told["grants"]:
        sid = database.schema_format_value(
            "objectSid", database.search(account, ldb.SCOPE_BASE)[0]["objectSid"][0]
        ).decode()
        for right in rights:
            SDUtils(database).dacl_add_ace(place, right.replace("SID", sid))
    for text, controls in told["after"]:
        database.modify_ldif(text, controls)
    database.transaction_commit()


if __name__ == "__main__":
    main()
