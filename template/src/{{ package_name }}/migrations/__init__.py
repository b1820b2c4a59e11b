"""Migrations of your own tables, in `versions/`; they are applied to the instance `MAIN`.

`db revision "add refunds"` makes a new one with the next number, `db upgrade` applies what is
missing. This folder is yours: updates of the template add nothing to it. The worker's own
tables have theirs in `integrations/database/migrations/`, which belongs to the template.
"""
