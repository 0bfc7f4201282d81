"""Use cases: what the product does, with no HTTP, no Authlib and no LDAP.

A use case takes the unit of work of one realm (`work.UnitOfWork`) first; where a password must be
hashed it takes the `runtime.Runtime` instead and opens short units of work around the hashing, so
that no lock is held while the processor works. `ports` names what adapters provide.
"""
