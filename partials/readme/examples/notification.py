from {{ package_name }}.processors.notification import SendPayload, send

receipt = send.enqueue(
    SendPayload(recipient="hong@example.com", text="welcome", variables={"name": "Hong"})
)
