"""The buffered monitor: hand over in microseconds, spool to disk, send in the background.

    monitor() → queue (memory) → writer thread → spool (disk) → sender thread → server

Everything goes through the spool, whether the server is there or not: one path, and memory stays
small. What was sent is cut off or deleted, as a rule before the system has written it out.
"""

from sightloop_sdk.buffer.monitor import BufferedMonitor
from sightloop_sdk.buffer.policy import Buffering, Loss, Report

__all__ = ["BufferedMonitor", "Buffering", "Loss", "Report"]
