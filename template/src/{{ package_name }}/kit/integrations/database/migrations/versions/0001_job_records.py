"""The job records, and the jobs that failed for good."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LONG_TEXT = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
_TIME = sa.DateTime(timezone=True).with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
# `_bin`: other collations of MySQL take A-1 and a-1 for the same target.
_OPTIONS: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (
        ("engine", "InnoDB"),
        ("charset", "utf8mb4"),
        ("collate", "utf8mb4_bin"),
    )
}


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "worker_job_records",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("job_type", sa.String(255), nullable=False),
        sa.Column("target_id", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("job_id", sa.String(255), nullable=False),
        sa.Column("payload", _LONG_TEXT),
        sa.Column("error", sa.Text),
        sa.Column("worker", sa.String(255), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME),
        sa.UniqueConstraint("job_type", "target_id", name="uq_worker_job_records_target"),
        **_OPTIONS,
    )
    op.create_index(
        "ix_worker_job_records_age", "worker_job_records", ["queue", "state", "finished_at"]
    )
    op.create_table(
        "worker_failed_jobs",
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        sa.Column("queue", sa.String(64), nullable=False),
        sa.Column("job_id", sa.String(255), nullable=False),
        sa.Column("job_type", sa.String(255), nullable=False),
        sa.Column("path", sa.String(255), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("retries", sa.Integer, nullable=False),
        sa.Column("payload", _LONG_TEXT),
        sa.Column("error", sa.Text),
        sa.Column("traceback", _LONG_TEXT),
        sa.Column("worker", sa.String(255), nullable=False),
        sa.Column("failed_at", _TIME, nullable=False),
        sa.Column("changed_at", _TIME),
        sa.Column("changed_by", sa.String(255)),
        sa.UniqueConstraint("queue", "job_id", name="uq_worker_failed_jobs_job"),
        **_OPTIONS,
    )
    op.create_index(
        "ix_worker_failed_jobs_age", "worker_failed_jobs", ["queue", "state", "failed_at"]
    )
