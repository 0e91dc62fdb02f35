"""kafka-python (a client of its own, without librdkafka): codecs, idempotence, headers, groups, times, admin."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import BOOTSTRAP, NAME, check, topics, wait_until  # noqa: E402
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition  # noqa: E402
from kafka.admin import NewTopic  # noqa: E402
from kafka.errors import TopicAlreadyExistsError  # noqa: E402

COUNT = 500
BASE_TIME_MS = 1_700_000_000_000


def read(consumer, count):
    records = []

    def step():
        for batch in consumer.poll(timeout_ms=500).values():
            records.extend(batch)
    wait_until(f"{count} records read", lambda: len(records) >= count, step)
    return records


def every_codec():
    for codec in (None, "gzip", "snappy", "lz4", "zstd"):
        topic = f"{NAME}-{codec}"
        drop = topics(topic)
        producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, compression_type=codec, enable_idempotence=True, linger_ms=20)
        values = [b"%d " % number * (number % 40 + 1) for number in range(COUNT)]
        sent = [producer.send(topic, value, key=b"k", headers=[("a", b"1"), ("a", b"2")], timestamp_ms=BASE_TIME_MS + number)
                for number, value in enumerate(values)]
        producer.flush(30)
        check(f"{codec}: offsets acknowledged", [future.get(30).offset for future in sent], list(range(COUNT)))
        producer.close()
        consumer = KafkaConsumer(bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", check_crcs=True)
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        records = read(consumer, COUNT)
        check(f"{codec}: values in order", [record.value for record in records], values)
        check(f"{codec}: headers", {tuple(record.headers) for record in records}, {(("a", b"1"), ("a", b"2"))})
        check(f"{codec}: offset for time", consumer.offsets_for_times({place: BASE_TIME_MS + 7})[place].offset, 7)
        check(f"{codec}: bounds", (consumer.beginning_offsets([place])[place], consumer.end_offsets([place])[place]), (0, COUNT))
        consumer.close()
        drop()


def groups():
    topic = f"{NAME}-group"
    drop = topics(topic, partitions=4)
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    for number in range(COUNT):
        producer.send(topic, b"%d" % number, partition=number % 4)
    producer.flush(30)
    producer.close()
    settings = {"bootstrap_servers": BOOTSTRAP, "group_id": topic, "auto_offset_reset": "earliest", "enable_auto_commit": False,
                "session_timeout_ms": 6000, "heartbeat_interval_ms": 500}
    first = KafkaConsumer(topic, **settings)
    check("all read by one", len(read(first, COUNT)), COUNT)
    first.commit()
    second = KafkaConsumer(topic, **settings)

    def both():
        first.poll(timeout_ms=100)
        second.poll(timeout_ms=100)
    wait_until("two members share", lambda: len(first.assignment()) == len(second.assignment()) == 2, both)
    check("no partition twice", first.assignment() & second.assignment(), set())
    check("committed", second.committed(next(iter(second.assignment()))), COUNT // 4)
    second.close()
    wait_until("one owns all again", lambda: len(first.assignment()) == 4, lambda: first.poll(timeout_ms=100))
    first.close()
    drop()


def administration():
    admin = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    topic = f"{NAME}-admin"
    admin.create_topics([NewTopic(name=topic, num_partitions=2, replication_factor=1)])
    try:
        admin.create_topics([NewTopic(name=topic, num_partitions=2, replication_factor=1)])
        sys.exit("created twice")
    except TopicAlreadyExistsError:
        print("ok: a second creation is refused")
    check("listed", topic in admin.list_topics(), True)
    admin.delete_topics([topic])
    wait_until("deleted", lambda: topic not in admin.list_topics())
    admin.close()


every_codec()
groups()
administration()
