"""Apartment trades, as data.go.kr lists them by district and month."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "apt_trades",
        sa.Column("district", sa.String(5), primary_key=True),
        sa.Column("month", sa.String(6), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("apt_name", sa.String(200), nullable=False),
        sa.Column("neighbourhood", sa.String(100), nullable=False),
        sa.Column("lot", sa.String(50)),
        sa.Column("dealt_on", sa.Date, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("area", sa.Float, nullable=False),
        sa.Column("floor", sa.Integer),
        sa.Column("built", sa.Integer),
        mysql_charset="utf8mb4",
        mariadb_charset="utf8mb4",
    )
