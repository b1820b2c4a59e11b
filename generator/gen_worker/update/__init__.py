"""Update one repository: plan, merge, undo, finish."""
