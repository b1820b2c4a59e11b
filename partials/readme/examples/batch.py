from datetime import date

from {{ package_name }}.processors.batch import AggregatePayload, aggregate_day

receipt = aggregate_day.enqueue(AggregatePayload(day=date(2026, 1, 1)))
