"""The store that the YAML chooses."""

from playnet.config import Config
from playnet.layout import Layout, read_secret

from .file import FileStore
from .port import PartedStore
from .s3 import Bucket, S3Store


def open_store(config: Config, layout: Layout) -> PartedStore:
    """The object store of `config`, for one process; close it at the end.

    ConfigError when a secret or the folder cannot be had. A dead S3 server is no error here: `check` tells.
    """
    settings = config.storage.s3
    if settings is None:
        root = config.storage.path or layout.objects
        return FileStore(root, adopt=(layout.staging, layout.work))
    bucket = Bucket(
        endpoint=str(settings.endpoint),
        name=settings.bucket,
        region=settings.region,
        tls=settings.tls,
        access_key=read_secret(settings.access_key_file, "storage.s3.access_key_file"),
        secret_key=read_secret(settings.secret_key_file, "storage.s3.secret_key_file"),
        part_bytes=settings.part_size,
    )
    return S3Store(bucket)
