"""Runs unmodified Kafka clients as scenarios against Klamm or Apache Kafka."""
