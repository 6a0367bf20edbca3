"""The bus on Apache Kafka."""

from libs.bus.kafka.bus import KafkaBus, open_kafka

__all__ = ["KafkaBus", "open_kafka"]
