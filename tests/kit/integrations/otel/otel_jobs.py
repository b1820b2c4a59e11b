"""Jobs of the tests: one that calls out in every way, one that fails."""

from __future__ import annotations

from worker_payment.kit.engine import Backoff, Payload, processor


class Order(Payload):
    """`{"url": "http://...", "secret": "..."}`"""

    url: str = ""
    secret: str = ""


@processor(timeout=60)
def ship(payload: Order) -> None:
    """An HTTP call, a SQL statement and an upload. Libraries come late, as with processors."""
    import boto3
    import httpx
    from botocore.config import Config
    from sqlalchemy import create_engine, text

    httpx.get(f"{payload.url}/stock?serviceKey={payload.secret}").raise_for_status()
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("SELECT :secret"), {"secret": payload.secret})
    engine.dispose()
    client = boto3.client(
        "s3",
        region_name="ap-northeast-2",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        endpoint_url=payload.url,
        config=Config(s3={"addressing_style": "path"}),
    )
    client.put_object(Bucket="bucket", Key="key", Body=b"")
    client.close()


@processor(attempts=2, backoff=Backoff(first=0.1))
def stumble(payload: Order) -> None:
    """Fail each time."""
    raise ConnectionError(f"down: {payload.secret}")


@processor
def nod(payload: Order) -> None:
    """Nothing to do."""
