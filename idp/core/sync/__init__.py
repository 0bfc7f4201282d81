"""The directory bridge's sync: what a directory says of its accounts, brought over here safely.

One run reads (`reading`, written down by `staging` and `mapping`), what it would change is worked
out (`differences` over `people_changes` and `group_changes`), looked at (`brake`), reviewed as a
plan (`kind`), and applied by a job (`applying` over `people_acts`, `group_acts`, `memberships`).
`idp.core.sync_schedule` does so by itself, `runs` keeps the record, `erasing` forgets those who
left.
"""
