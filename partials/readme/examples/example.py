from {{ package_name }}.processors.example import HelloPayload, hello

receipt = hello.enqueue(HelloPayload(name="world"))
