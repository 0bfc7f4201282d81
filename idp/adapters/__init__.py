"""What `idp.core.ports` asks for, on real machinery: argon2, the key file, word lists, mail.

Owns how a port is implemented; `idp.app` chooses and connects. Knows no HTTP and no use case.
"""
