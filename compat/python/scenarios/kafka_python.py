"""kafka-python (a client of its own, without librdkafka): codecs, idempotence, headers, groups, times, admin."""
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import BOOTSTRAP, NAME, WITHIN_S, check, topics, wait_until  # noqa: E402
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
        consumer = KafkaConsumer(bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", check_crcs=True, allow_auto_create_topics=False)
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        records = read(consumer, COUNT)
        check(f"{codec}: values in order", [record.value for record in records], values)
        check(f"{codec}: headers", {tuple(record.headers) for record in records}, {(("a", b"1"), ("a", b"2"))})
        check(f"{codec}: offset for time", consumer.offsets_for_times({place: BASE_TIME_MS + 7})[place].offset, 7)
        check(f"{codec}: bounds", (consumer.beginning_offsets([place])[place], consumer.end_offsets([place])[place]), (0, COUNT))
        consumer.close()
        drop()


class Member:
    """A group's member with a thread of its own, which polls until told to leave.

    The client sends its JoinGroup anew where the answer to the last came between two calls of poll. So members that
    take turns in one thread can undo each other's rebalances for minutes, whatever the broker does; a thread that is
    in poll nearly always does not.
    """

    def __init__(self, topic):
        self.topic, self.count, self.owned, self.committed = topic, 0, set(), None
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._poll, daemon=True)
        self.thread.start()

    def _poll(self):
        consumer = KafkaConsumer(self.topic, bootstrap_servers=BOOTSTRAP, group_id=self.topic, auto_offset_reset="earliest",
                                 enable_auto_commit=False, session_timeout_ms=6000, heartbeat_interval_ms=500,
                                 allow_auto_create_topics=False)
        while not self.stop.is_set():
            records = sum(map(len, consumer.poll(timeout_ms=1000).values()))
            if records:
                consumer.commit()
                self.count += records
            self.owned = consumer.assignment()
        self.committed = {consumer.committed(place) for place in self.owned}
        consumer.close()

    def leave(self):
        """Leaves the group; returns what was committed for its partitions."""
        self.stop.set()
        self.thread.join(WITHIN_S)
        return self.committed


def groups():
    topic = f"{NAME}-group"
    drop = topics(topic, partitions=4)
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    for number in range(COUNT):
        producer.send(topic, b"%d" % number, partition=number % 4)
    producer.flush(30)
    producer.close()
    first = Member(topic)
    wait_until("all read by one", lambda: first.count == COUNT)
    second = Member(topic)
    wait_until("two members share", lambda: len(first.owned) == len(second.owned) == 2)
    check("no partition twice", first.owned & second.owned, set())
    committed = second.leave()
    check("committed", committed, {COUNT // 4})
    wait_until("one owns all again", lambda: len(first.owned) == 4)
    check("nothing read twice", (first.count, second.count), (COUNT, 0))
    first.leave()
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
