from datetime import date

from {{ package_name }}.processors.public_data import CollectPayload, collect_page

receipt = collect_page.enqueue(CollectPayload(dataset="air-quality", day=date(2026, 1, 1)))
