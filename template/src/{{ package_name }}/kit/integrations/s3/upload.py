"""Sends an object: in one call, or in parts when it is large."""

from __future__ import annotations

from typing import Any, BinaryIO

from .settings import S3Config

_PART = 8 * 1024 * 1024  # bytes; S3's smallest is 5 MiB
_PART_OF_UNKNOWN = 16 * 1024 * 1024  # up to 156 GiB in the 10,000 parts that S3 allows
_MOST_PARTS = 10_000


class Sender:
    """Uploads to one bucket. One part at a time is in memory.

    Parts go one after the other: between them the job can be stopped, and a worker that runs
    many jobs does not multiply its threads.

    Args:
        client: Of boto3's `s3`.
        config: `S3_CONFIG`.

    Sources:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
    """

    def __init__(self, client: Any, config: S3Config) -> None:
        self._client = client
        self._bucket = config.bucket
        self._checksum = {"ChecksumAlgorithm": config.checksum} if config.checksum else {}
        self.encryption: dict[str, str] = {}
        if config.server_side_encryption:
            self.encryption["ServerSideEncryption"] = config.server_side_encryption
        if config.kms_key_id:
            self.encryption["SSEKMSKeyId"] = config.kms_key_id

    def send(self, file: BinaryIO, key: str, options: dict[str, Any]) -> int:
        """Store what a file holds from where it stands.

        Args:
            file: Read in pieces.
            key: The full key.
            options: Content type, metadata and the like.

        Returns:
            How many bytes were sent.
        """
        target = {"Bucket": self._bucket, "Key": key}
        create = {**target, **options, **self.encryption, **self._checksum}
        part_size = _part_size(_remaining(file))
        first = _read(file, part_size)
        if len(first) < part_size:
            self._client.put_object(**create, Body=first)
            return len(first)
        upload_id = self._client.create_multipart_upload(**create)["UploadId"]
        try:
            return self._send_parts(file, first, part_size, {**target, "UploadId": upload_id})
        except BaseException:
            self._abort({**target, "UploadId": upload_id})
            raise

    def _send_parts(
        self, file: BinaryIO, first: bytes, part_size: int, target: dict[str, Any]
    ) -> int:
        parts: list[dict[str, Any]] = []
        sent = 0
        piece = first
        while piece:
            number = len(parts) + 1
            answer = self._client.upload_part(
                **target, **self._checksum, PartNumber=number, Body=piece
            )
            checksums = {name: value for name, value in answer.items() if name in _PART_CHECKSUMS}
            parts.append({"PartNumber": number, "ETag": answer["ETag"], **checksums})
            sent += len(piece)
            piece = _read(file, part_size)
        self._client.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
        return sent

    def _abort(self, target: dict[str, Any]) -> None:
        try:
            self._client.abort_multipart_upload(**target)
        except Exception:
            pass  # what broke the upload is the error to tell; a lifecycle rule removes the parts


_PART_CHECKSUMS = frozenset({"ChecksumCRC32", "ChecksumSHA1", "ChecksumSHA256"})


def _part_size(total: int | None) -> int:
    if total is None:
        return _PART_OF_UNKNOWN
    # All parts but the last are of one size: Cloudflare R2 demands it.
    return max(_PART, -(-total // _MOST_PARTS))


def _remaining(file: BinaryIO) -> int | None:
    if not file.seekable():
        return None
    here = file.tell()
    end = file.seek(0, 2)
    file.seek(here)
    return end - here


def _read(file: BinaryIO, size: int) -> bytes:
    """Read so many bytes, also from a stream that gives fewer at a time."""
    pieces = []
    missing = size
    while missing and (piece := file.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
