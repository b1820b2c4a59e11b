"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change. An old worker may still be running while this is done."""
    ${upgrades if upgrades else "op.execute(sa.text(\"SELECT 1\"))"}
