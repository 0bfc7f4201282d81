"""Directories that accounts can come from, each behind one port.

`port` says what a directory must offer, `records` and `verdicts` what passes through it, `names`
what may be a name in it, `registry` which kinds there are. A connector sees no database and no
policy: it streams entries and, where it can, verifies or writes a password. What an entry means for
an account is decided by the use cases of `idp`.
"""
