from {{ package_name }}.processors.payment import ApprovePayload, approve

receipt = approve.enqueue(ApprovePayload(order_id="A-1", amount=12_000))
