"""Password policy as pure values: may this password be set, may this user have tokens now.

Owns the rules, policy versions, judging and comparing. Standard library only: no clock, no
I/O. Callers gather the facts (`engine.needs`) and turn findings into text.
"""
