"""The client that processors store objects with."""

from __future__ import annotations

import io
import mimetypes
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit
from uuid import uuid4

from ...breaker import Breaker, asks_for, breakers
from ...config.fields import BreakerConfig
from ...engine import provide
from ..aws import aws_client, raise_as
from ..text import composed, name_end
from . import s3
from .errors import (
    S3AwayError,
    S3Error,
    S3KeyError,
    S3NotFoundError,
    S3RefusedError,
    S3SizeError,
    S3UnavailableError,
)
from .keys import below, listing_prefix, relative
from .settings import S3Config
from .upload import Sender

_PIECE = 256 * 1024  # bytes
_SIGNED_HEADERS = {
    "ContentType": "Content-Type",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
}
# What servers answer to a header or a form of upload that they do not know.
_UNKNOWN_CHECKSUM = {"NotImplemented", "XNotImplemented", "InvalidRequest", "MalformedTrailerError"}
_LONGEST_URL_LIFE = 7 * 24 * 3600  # seconds, says the signature's version 4


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in the bucket.

    Args:
        key: Relative to the prefix.
        size: Bytes.
        etag: Changes with the content.
        modified: When it was stored.
        content_type: Empty in a listing.
        metadata: The owner's own values; empty in a listing.
        version_id: In a bucket that keeps versions.
    """

    key: str
    size: int
    etag: str
    modified: datetime
    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class UploadUrl:
    """Where and how to PUT an object.

    Args:
        url: Anybody who has it can store the object: treat it like a password.
        headers: What the sender must send with it, exactly.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str]


class S3Client:
    """Objects below the prefix of one bucket. Safe to use from several threads.

    Args:
        client: Of boto3's `s3`.
        config: `S3_CONFIG`.
        limits: `S3_BREAKER`.
    """

    def __init__(self, client: Any, config: S3Config, limits: BreakerConfig | None = None) -> None:
        self._client = client
        self._breaker = breakers.add(
            Breaker(
                f"S3 {urlsplit(client.meta.endpoint_url).netloc}",
                limits or BreakerConfig(),
                probe=self._probe,
                needed=asks_for(S3Client),
            )
        )
        self._bucket = config.bucket
        self._prefix = config.prefix
        self._checksum = config.checksum
        self._sender = Sender(client, config)

    def upload(
        self,
        source: Path | BinaryIO | bytes,
        key: str,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, str] | None = None,
        cache_control: str | None = None,
    ) -> StoredObject:
        """Store an object; one of that key is replaced. It appears when it is complete.

        Large sources are sent in parts with a checksum each; when one fails, the parts that
        were sent are removed.

        Args:
            source: A file, an open file (read in pieces from where it stands), or the bytes.
            key: Relative to the prefix.
            content_type: By default what the key's ending says.
            metadata: Own values, ASCII.
            cache_control: For browsers.

        Raises:
            S3KeyError: The key leaves the prefix.
            S3RefusedError: S3 refused it for good.
            S3UnavailableError: It may work later. The key holds what it held before.
        """
        full = below(self._prefix, key)
        options: dict[str, Any] = {"ContentType": content_type or _guess(key)}
        if metadata:
            options["Metadata"] = dict(metadata)
        if cache_control:
            options["CacheControl"] = cache_control
        with _opened(source) as file, self._explained(f"upload of {key}"):
            sent = self._sender.send(file, full, options)
            stored = self._head(full)
        if stored.size != sent:
            raise S3SizeError(
                f"upload of {key}: {sent} bytes were sent and {stored.size} are there"
            )
        return stored

    def download(self, key: str, target: Path | BinaryIO) -> int:
        """Read an object in pieces; its checksum and size are compared.

        Args:
            key: Relative to the prefix.
            target: A path, where the file appears only when it is complete; or an open file.

        Returns:
            The size in bytes.

        Raises:
            S3NotFoundError: There is no such object.
        """
        full = below(self._prefix, key)
        with self._explained(f"download of {key}"):
            if not isinstance(target, Path):
                return self._receive(full, target)
            partial = target.with_name(f".{name_end(target.name)}.{uuid4().hex[:12]}.part")
            try:
                with partial.open("xb") as file:
                    received = self._receive(full, file)
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
            return received

    def head(self, key: str) -> StoredObject:
        """Return size, type and metadata of an object.

        Raises:
            S3NotFoundError: There is no such object.
        """
        with self._explained(f"head of {key}"):
            return self._head(below(self._prefix, key))

    def exists(self, key: str) -> bool:
        """Return whether there is such an object."""
        try:
            self.head(key)
        except S3NotFoundError:
            return False
        return True

    def delete(self, key: str) -> None:
        """Delete an object, if there is one."""
        with self._explained(f"delete of {key}"):
            self._client.delete_object(Bucket=self._bucket, Key=below(self._prefix, key))

    def list(self, begin: str = "") -> Iterator[StoredObject]:
        """List the objects whose keys begin so, in the order of keys, page by page."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=listing_prefix(self._prefix, begin)
        )
        with self._explained(f"list of {begin or 'the prefix'}"):
            for page in pages:
                for item in page.get("Contents", []):
                    yield StoredObject(
                        key=relative(self._prefix, item["Key"]),
                        size=item["Size"],
                        etag=item["ETag"].strip('"'),
                        modified=item["LastModified"],
                    )

    def download_url(self, key: str, *, seconds: int = 3600, filename: str | None = None) -> str:
        """Return a URL with which anybody can read the object for some time.

        Args:
            key: Relative to the prefix.
            seconds: How long; a week at most, and not longer than temporary keys live.
            filename: Makes browsers save it under this name.
        """
        options = {}
        if filename is not None:
            if not filename.isprintable():
                raise S3KeyError("a file name holds a control character")
            name = quote(composed(filename), safe="")
            options["ResponseContentDisposition"] = f"attachment; filename*=UTF-8''{name}"
        return self._presign("get_object", key, seconds, options)

    def upload_url(
        self, key: str, *, seconds: int = 3600, content_type: str | None = None
    ) -> UploadUrl:
        """Return a URL with which anybody can PUT the object for some time.

        Args:
            key: Relative to the prefix.
            seconds: How long; a week at most, and not longer than temporary keys live.
            content_type: The sender must send this `Content-Type`.
        """
        options = {"ContentType": content_type} if content_type else {}
        options |= self._sender.encryption
        headers = {_SIGNED_HEADERS[name]: value for name, value in options.items()}
        return UploadUrl(self._presign("put_object", key, seconds, options), headers)

    def check(self) -> str:
        """Reach the bucket and return what was found."""
        self._probe()
        where = f"{self._bucket}/{self._prefix}" if self._prefix else self._bucket
        return f"bucket {where} at {self._client.meta.endpoint_url}"

    def close(self) -> None:
        """Close every connection."""
        self._breaker.close()
        self._client.close()

    def _probe(self) -> None:
        with self._translated(f"bucket {self._bucket}"):
            self._client.head_bucket(Bucket=self._bucket)

    def _head(self, full: str) -> StoredObject:
        answer = self._client.head_object(Bucket=self._bucket, Key=full)
        return StoredObject(
            key=relative(self._prefix, full),
            size=answer["ContentLength"],
            etag=answer["ETag"].strip('"'),
            modified=answer["LastModified"],
            content_type=answer.get("ContentType", ""),
            metadata=answer.get("Metadata", {}),
            version_id=answer.get("VersionId"),
        )

    def _receive(self, full: str, file: BinaryIO) -> int:
        options = {"ChecksumMode": "ENABLED"} if self._checksum else {}
        answer = self._client.get_object(Bucket=self._bucket, Key=full, **options)
        received = 0
        # The body compares length and checksum when its end is reached. It is no context
        # manager for this: what its own `with` gives compares nothing.
        with closing(answer["Body"]) as body:
            while piece := body.read(_PIECE):
                file.write(piece)
                received += len(piece)
        if received != answer["ContentLength"]:
            raise S3SizeError(f"the object has {answer['ContentLength']} bytes, {received} arrived")
        return received

    def _presign(self, method: str, key: str, seconds: int, options: dict[str, Any]) -> str:
        if not 1 <= seconds <= _LONGEST_URL_LIFE:
            raise S3RefusedError(
                f"a URL lives from 1 to {_LONGEST_URL_LIFE} seconds, not {seconds}"
            )
        parameters = {"Bucket": self._bucket, "Key": below(self._prefix, key), **options}
        with self._translated(f"URL of {key}"):
            return str(
                self._client.generate_presigned_url(method, Params=parameters, ExpiresIn=seconds)
            )

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        with self._breaker.call(S3AwayError), self._translated(what):
            yield

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except S3Error:
            raise
        except Exception as error:
            raise_as(
                error,
                what=what,
                permanent=S3RefusedError,
                temporary=S3UnavailableError,
                repeatable=True,
                not_found=S3NotFoundError,
                hint=self._hint,
            )

    def _hint(self, code: str, status: int, message: str) -> str:
        """Return what to do when a server does not know the checksums that AWS asks for."""
        said = message.lower()
        checksums = any(word in said for word in ("checksum", "trailer", "aws-chunked"))
        unknown = code in _UNKNOWN_CHECKSUM or status == 501
        if self._checksum and status in {400, 501} and (checksums or unknown):
            return '; for a server without checksums set "checksum": null in S3_CONFIG'
        return ""


def make_client(config: S3Config, limits: BreakerConfig | None = None) -> S3Client:
    """Return a client for the bucket that the settings name."""
    client = aws_client(
        "s3",
        region=config.region,
        access_key_id=config.access_key_id,
        secret_access_key=config.secret_access_key,
        session_token=config.session_token,
        endpoint=config.endpoint,
        timeout=config.timeout / 1000,
        attempts=2,  # every call here can be repeated safely
        connections=50,
        signature_version="s3v4",
        s3={"addressing_style": _addressing(config)},
        request_checksum_calculation="when_supported" if config.checksum else "when_required",
        response_checksum_validation="when_supported" if config.checksum else "when_required",
    )
    if config.endpoint:
        client.meta.events.register("before-call.s3", _stay)
    return S3Client(client, config, limits)


def _stay(params: dict[str, Any], **_: Any) -> None:
    """Keep boto3 from looking for a bucket's region at a server that is not Amazon's.

    A server that answers 301 to everything, as one that wants https does, makes it ask without
    end.
    """
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _addressing(config: S3Config) -> str:
    if config.force_path_style:
        return "path"
    # With "auto", boto3 signs URLs for the global host, which redirects to the region's; a
    # dot in the bucket's name does not fit the certificate of a virtual host.
    return "auto" if config.endpoint else "path" if "." in config.bucket else "virtual"


def _guess(key: str) -> str:
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


@contextmanager
def _opened(source: Path | BinaryIO | bytes) -> Iterator[BinaryIO]:
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, Path):
        with source.open("rb") as file:
            yield file
    else:
        yield source


provide(S3Client, lambda _: nullcontext(s3()))
