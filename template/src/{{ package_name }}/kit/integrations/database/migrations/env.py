"""Run by Alembic. The connection and the options come from `schema.py` and `revisions.py`."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    **context.config.attributes.get("options", {}),
)
with context.begin_transaction():
    context.run_migrations()
