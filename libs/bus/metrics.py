"""What consumers and the relay count."""

from libs.telemetry.metrics import counter, gauge, histogram

HANDLED = counter(
    "consumer_handled_total", "Events that a handler took, duplicates not counted.", ["consumer"]
)
DUPLICATES = counter(
    "consumer_duplicates_total", "Events that had been handled before and were skipped.",
    ["consumer"],
)  # fmt: skip
DROPPED = counter(
    "consumer_dropped_total", "Events that were not for us or too late, by reason.",
    ["consumer", "reason"],
)  # fmt: skip
DEAD = counter(
    "consumer_dead_total", "Events that went to the dead letters.", ["consumer"], wrong=True
)
RETRIED = counter(
    "consumer_retried_total", "Batches that were put back: asked by a handler or by a fault.",
    ["consumer", "why"], wrong=True,
)  # fmt: skip
COMMITS_REJECTED = counter(
    "consumer_commits_rejected_total",
    "Commits of partitions that had gone to another member meanwhile.",
    ["consumer"],
)
LAG = gauge(
    "consumer_lag_records", "Records not yet committed by a consumer, by topic.",
    ["consumer", "topic"], wrong=True,
)  # fmt: skip
BREAKER = gauge(
    "consumer_breaker_open", "1 when a consumer stopped because too many events died.",
    ["consumer"], wrong=True,
)  # fmt: skip
SECONDS = histogram(
    "consumer_handle_seconds", "Time from a run's begin to its database commit.", ["consumer"]
)
STAGE_SECONDS = counter(
    "consumer_stage_seconds_total",
    "Seconds that batches spent, by stage: slot (waiting for their turn), decode, begin (waiting "
    "for a connection), inbox, handler, letters, commit, offsets.",
    ["consumer", "stage"],
)
RELAYED = counter("outbox_relayed_total", "Messages published from an outbox.", ["service"])
RELAY_FAULTS = counter(
    "outbox_relay_faults_total", "Times that publishing from an outbox had to wait.", ["service"],
    wrong=True,
)  # fmt: skip
TABLE_MALFORMED = counter(
    "table_malformed_total", "Records of compacted topics that no table could read.", ["topic"],
    wrong=True,
)  # fmt: skip
