<%
lines = (upgrades or "op.execute(sa.text(\"SELECT 1\"))").splitlines()
body = "\n".join(line for line in lines if not line.strip().startswith("# ###")).strip()
%>\
"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${f"{imports}\n" if imports else ""}\

revision = "${up_revision}"
down_revision = ${'"%s"' % down_revision if down_revision else None}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change. An old worker may still be running while this is done."""
    ${body}
