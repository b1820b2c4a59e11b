from {{ package_name }}.processors.public_data import (
    CollectPayload,
    collect,
)

receipt = collect.enqueue(CollectPayload(district="11680", month="202601"))
