"""Directories that speak LDAP: OpenLDAP, Active Directory, 389 Directory Server.

`source` is the port. Below it: `passwords`, `health`, `lookups` and `runs` (what is done),
`paging`, `changes` and `entries` (how a server is read), `pool`, `failover` and `session`
(connections), and values. Only `session` imports the LDAP library, whose defaults verify no
certificate and follow referrals with the password: whoever speaks to a server goes through it.
"""
