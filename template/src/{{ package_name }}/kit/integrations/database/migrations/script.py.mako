"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "${up_revision}"
down_revision = ${'"%s"' % down_revision if down_revision else None}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change. An old worker may still be running while this is done."""
    ${upgrades if upgrades else "op.execute(sa.text(\"SELECT 1\"))"}
