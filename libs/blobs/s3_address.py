"""Where a bucket is and with what it is opened."""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    import minio
    import urllib3

_OPTIONS = {"tls", "region", "public"}
_DEFAULT_REGION = "us-east-1"


class BadBlobsAddress(ValueError):
    """The address of the blob store cannot be read."""


@dataclass(frozen=True)
class S3Address:
    """`s3://key:secret@host:port/bucket?tls=off&region=eu-west-1&public=https://host`.

    `tls` is on unless `off`. `public` is where browsers reach the store when it is not where we
    do. Without key and secret the AWS variables or the machine's role give them.
    """

    host: str
    bucket: str
    access_key: str | None
    secret_key: str | None
    tls: bool
    region: str
    public: str | None

    @classmethod
    def parse(cls, address: str) -> "S3Address":
        """Raises BadBlobsAddress, which never shows the secret."""
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        bucket = parts.path.strip("/")
        options = parse_qs(parts.query)
        if not host or not bucket or "/" in bucket:
            raise BadBlobsAddress("a bucket's address is s3://key:secret@host:port/bucket")
        if unknown := set(options) - _OPTIONS:
            raise BadBlobsAddress(f"unknown in the bucket's address: {', '.join(sorted(unknown))}")
        tls = options.get("tls", ["on"])[-1]
        if tls not in {"on", "off"}:
            raise BadBlobsAddress(f"tls is on or off in the bucket's address, not {tls!r}")
        if (parts.username is None) != (parts.password is None):
            raise BadBlobsAddress("a bucket's address has both key and secret, or neither")
        return cls(
            host=host,
            bucket=bucket,
            access_key=unquote(parts.username) if parts.username else None,
            secret_key=unquote(parts.password) if parts.password else None,
            tls=tls == "on",
            region=options.get("region", [_DEFAULT_REGION])[-1],
            public=options.get("public", [None])[-1],
        )

    def client(self, pool: "urllib3.PoolManager") -> "minio.Minio":
        """The client that moves the bytes."""
        return self._client(self.host, pool=pool, tls=self.tls)

    def signer(self, pool: "urllib3.PoolManager") -> "minio.Minio":
        """The client that signs addresses for browsers; it never connects."""
        if self.public is None:
            return self.client(pool)
        parts = urlsplit(self.public)
        return self._client(parts.netloc, pool=pool, tls=parts.scheme != "http")

    def _client(self, host: str, *, pool: "urllib3.PoolManager", tls: bool) -> "minio.Minio":
        import minio  # noqa: PLC0415 - an extra, and slow to import
        from minio.credentials.providers import (  # noqa: PLC0415
            ChainedProvider,
            EnvAWSProvider,
            IamAwsProvider,
            StaticProvider,
        )

        return minio.Minio(
            host,
            credentials=(
                StaticProvider(self.access_key, self.secret_key)
                if self.access_key and self.secret_key
                else ChainedProvider([EnvAWSProvider(), IamAwsProvider()])
            ),
            secure=tls,
            region=self.region,
            http_client=pool,
        )
