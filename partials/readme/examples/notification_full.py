from {{ package_name }}.processors.notification import (
    SendPayload,
    send,
)

receipt = send.enqueue(
    SendPayload(
        text="welcome",
        variables={"name": "Hong", "link": "https://example.com/start"},
        email="hong@example.com",
        phone="010-1234-5678",
        tokens=["device-1"],
    )
)
