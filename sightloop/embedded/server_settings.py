"""What the embedded server is told, on its command line: an edited file cannot undo it."""

import sys
from pathlib import Path

from sightloop.embedded.cluster import CLUSTER_NAME

PORT = 5432


def server_settings(
    *, major: int, socket_dir: Path, max_connections: int, durable: bool
) -> dict[str, str]:
    """A small footprint (one machine, few connections at work) and one log line per fault."""
    quoted_socket_dir = str(socket_dir).replace('"', '""')
    safe = "on" if durable else "off"
    settings = {
        "cluster_name": CLUSTER_NAME,
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{quoted_socket_dir}"',
        "unix_socket_permissions": "0700",
        "max_connections": str(max_connections),
        "fsync": safe,
        "synchronous_commit": safe,
        "full_page_writes": safe,
        "shared_buffers": "32MB",
        "maintenance_work_mem": "32MB",
        "min_wal_size": "32MB",
        "max_wal_size": "256MB",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "jit": "off",
        "max_parallel_workers_per_gather": "0",
        "max_worker_processes": "2",
        "autovacuum_max_workers": "2",
        "log_checkpoints": "off",
        "log_min_error_statement": "panic",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
    if major >= 18:
        settings["io_method"] = "sync"
    if sys.platform == "linux":
        # After a crash every file is synced; one by one that takes ten seconds and more.
        settings["recovery_init_sync_method"] = "syncfs"
    return settings
