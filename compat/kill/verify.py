"""Reads topics whole and holds them against what was acknowledged.

usage: verify.py BOOTSTRAP TOPIC=ACK_LOG...
Prints what it found; exits 1 where an acknowledged record is missing or changed, a record is there twice, or offsets have gaps.
"""
import sys
import zlib

from confluent_kafka import Consumer, TopicPartition

SHOWN = 5


class Topic:
    """What is known of one topic: what was acknowledged, and the faults found."""

    def __init__(self, name, ack_log):
        self.name = name
        self.acknowledged = {}
        self.faults = []
        self.records = 0
        self.partition_of_key = {}
        with open(ack_log, encoding="ascii") as log:
            for line in log:
                words = line.split()
                if words[0] == "error":
                    self.faults.append(f"a send failed: {line.strip()}")
                    continue
                partition, offset, key, crc = words
                place = int(partition), int(offset)
                if place in self.acknowledged:
                    self.faults.append(f"{place} was acknowledged twice: {self.acknowledged[place][0]} and {key}")
                self.acknowledged[place] = key, int(crc)
        self.total = len(self.acknowledged)

    def see(self, message):
        """One record, in offset order within its partition."""
        self.records += 1
        place = message.partition(), message.offset()
        key = message.key().decode("ascii", "replace")
        if key in self.partition_of_key:
            self.faults.append(f"{key} is at {self.partition_of_key[key]} and again at {place}")
        self.partition_of_key[key] = place
        expected = self.acknowledged.pop(place, None)
        if expected and expected != (key, zlib.crc32(message.value() or b"")):
            self.faults.append(f"{place} was acknowledged as {expected[0]} and holds {key}, or other bytes")

    def end(self):
        for place, (key, _) in self.acknowledged.items():
            self.faults.append(f"{key} was acknowledged at {place} and is not there")


def read(consumer, topic):
    """Reads each partition from its first offset to its last."""
    for partition in consumer.list_topics(topic.name, 30).topics[topic.name].partitions:
        first, end = consumer.get_watermark_offsets(TopicPartition(topic.name, partition), 30)
        if first != 0:
            topic.faults.append(f"partition {partition} begins at {first}")
        consumer.assign([TopicPartition(topic.name, partition, first)])
        expected = first
        while expected < end:
            messages = consumer.consume(min(1000, end - expected), 30)
            if not messages:
                topic.faults.append(f"partition {partition}: nothing more at {expected}, the end is {end}")
                break
            for message in messages:
                if message.error():
                    topic.faults.append(f"partition {partition} at {expected}: {message.error()}")
                    return
                if message.offset() != expected:
                    topic.faults.append(f"partition {partition}: offset {message.offset()} where {expected} was due")
                expected = message.offset() + 1
                topic.see(message)


def main():
    consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": "verify", "enable.auto.commit": False,
                         "check.crcs": True, "auto.offset.reset": "error"})
    faults = 0
    for pair in sys.argv[2:]:
        topic = Topic(*pair.split("=", 1))
        read(consumer, topic)
        topic.end()
        print(f"{topic.name}: {topic.records} records, {topic.total} of them acknowledged, {len(topic.faults)} faults")
        for fault in topic.faults[:SHOWN]:
            print(f"  {fault}")
        faults += len(topic.faults)
        if not topic.total:
            faults += 1
            print("  nothing was acknowledged: this proves nothing")
    consumer.close()
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
