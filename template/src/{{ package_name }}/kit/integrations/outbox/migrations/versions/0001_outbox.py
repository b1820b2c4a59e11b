"""The outbox: its plain SQL, which `outbox sql` prints, too."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SQL = Path(__file__).parents[2] / "sql"


def upgrade() -> None:
    """Make the table, and what tells of new rows."""
    connection = op.get_bind()
    name = connection.dialect.name.replace("mariadb", "mysql")
    statements = (_SQL / f"{name}.sql").read_text(encoding="utf-8").split(";\n\n")
    for statement in statements:
        connection.exec_driver_sql(statement)
