"""Compacted topics under load and kill -9, checked key by key: the latest value of each key stays, at its offset, alone; deleted keys
go after the horizon; what a transaction aborted neither shows nor hides a value."""
import os
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import NAME, THROUGH_KILLS, WITHIN_S, bounce, check, consumer, producer, retried, topics, transactional  # noqa: E402
from confluent_kafka import KafkaException, TopicPartition  # noqa: E402

LONG = os.environ.get("COMPAT_SIZE") == "long"
PARTITIONS = 2
SEGMENT_BYTES = 1 << 20
MEGABYTES = 120 if LONG else 8
KILLS = 10 if LONG else 2
KEYS = 5_000 if LONG else 300
DELETES = 0.15
ABORTS = 0.3
PER_TRANSACTION = 20
# Between two passes of the cleaner there may be its log.cleaner.backoff.ms: 15 s unless set.
CLEANED_WITHIN_S = 120
CONFIG = {"cleanup.policy": "compact", "segment.bytes": str(SEGMENT_BYTES), "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "2000"}


class Topic:
    """A compacted topic, and what is known of its keys."""

    def __init__(self, name):
        self.name = name
        self.drop = topics(name, partitions=PARTITIONS, config=CONFIG)
        self.latest = {}  # key: (partition, offset, value) of what counts; value None where it was deleted
        self.chance = random.Random(name)
        self.number = 0
        self.filled = 0
        self.filler = producer(enable_idempotence=True, compression_type="none", **THROUGH_KILLS)

    def records(self, count):
        """That many random records: (key, value or None)."""
        for _ in range(count):
            self.number += 1
            value = None if self.chance.random() < DELETES else b"%d " % self.number + self.chance.randbytes(self.chance.randrange(2000))
            yield "key-%d" % self.chance.randrange(KEYS), value

    def send(self, out, count, known):
        """Sends records; what is acknowledged goes to `known`."""
        for key, value in self.records(count):
            def note(error, message, key=key, value=value):
                if error:
                    raise KafkaException(error)
                known[key] = message.partition(), message.offset(), value
            out.produce(self.name, value, key, on_delivery=note)
            out.poll(0)
        if out.flush(WITHIN_S * 4):
            sys.exit(f"{self.name}: records stay unanswered")

    def fill(self):
        """Writes what no one looks at, until each partition has begun a segment behind all that counts."""
        self.filled += 1
        for partition in range(PARTITIONS):
            for number in range(SEGMENT_BYTES // 20_000 + 2):
                self.filler.produce(self.name, random.randbytes(20_000), "filler-%d" % number, partition)
        if self.filler.flush(WITHIN_S):
            sys.exit(f"{self.name}: filler stays unanswered")

    def read(self, isolation):
        """{key: [(partition, offset, value)]} of all records, in order of their offsets; without the filler."""
        client = consumer(f"{self.name}-reader", isolation_level=isolation, enable_partition_eof=True, check_crcs=True)
        client.assign([TopicPartition(self.name, partition, 0) for partition in range(PARTITIONS)])
        found, at_end, last = {}, set(), [-1] * PARTITIONS
        deadline = time.monotonic() + WITHIN_S * 4
        while len(at_end) < PARTITIONS:
            if time.monotonic() > deadline:
                sys.exit(f"{self.name}: cannot be read to its end")
            for message in client.consume(1000, 0.5):
                partition = message.partition()
                if message.error():
                    at_end.add(partition)
                    continue
                if message.offset() <= last[partition]:
                    sys.exit(f"{self.name}-{partition}: offset {message.offset()} after {last[partition]}")
                last[partition] = message.offset()
                key = message.key().decode()
                if not key.startswith("filler"):
                    found.setdefault(key, []).append((partition, message.offset(), message.value()))
        client.close()
        return found

    def check_latest(self, when):
        """The last record of each key is the one that counts; of a deleted one none may be there."""
        found = self.read("read_committed")
        wrong = [key for key, latest in self.latest.items() if found.get(key, [latest])[-1] != latest or key not in found and latest[2] is not None]
        wrong += [key for key in found if key not in self.latest]
        if wrong:
            key = wrong[0]
            sys.exit(f"{self.name}, {when}: {len(wrong)} of {len(self.latest)} keys are wrong; {key} should end with {brief(self.latest.get(key))} and "
                     f"is {[brief(each) for each in found.get(key, [])][-5:]}")
        print(f"ok: {self.name}, {when}: each key's latest value")

    def wait_cleaned(self, what, done):
        """Goes on writing, so that there is something to clean, until the topic looks as it should."""
        deadline = time.monotonic() + CLEANED_WITHIN_S
        while True:
            self.fill()
            time.sleep(1.5)
            found = self.read("read_uncommitted")
            left = done(found)
            if not left:
                print(f"ok: {self.name}: {what}")
                return
            if time.monotonic() > deadline:
                key = left[0]
                sys.exit(f"{self.name}: waited {CLEANED_WITHIN_S} s in vain: {what}; {len(left)} keys left, {key}: {[brief(each) for each in found[key]][-5:]}, "
                         f"latest {brief(self.latest.get(key))}")

    def end(self):
        self.wait_cleaned("one record a key", lambda found: [key for key, records in found.items() if len(records) > 1])
        self.check_latest("cleaned")
        deleted = {key for key, (_, _, value) in self.latest.items() if value is None}
        check(f"{self.name}: some keys are deleted, some not", 0 < len(deleted) < len(self.latest), True)
        self.wait_cleaned("deleted keys are gone", lambda found: [key for key in found if key in deleted])
        bounce()
        self.check_latest("cleaned and killed once more")
        found = self.read("read_uncommitted")
        check(f"{self.name}: no other records", sorted(found), sorted(set(self.latest) - deleted))
        check(f"{self.name}: the log still starts at 0", self.lows(), [0] * PARTITIONS)
        self.drop()

    def lows(self):
        client = consumer(f"{self.name}-reader")
        lows = [retried(lambda p=partition: client.get_watermark_offsets(TopicPartition(self.name, p), WITHIN_S))[0] for partition in range(PARTITIONS)]
        client.close()
        return lows


def brief(record):
    return record and (*record[:2], record[2] and record[2][:12])


def under_load():
    """An idempotent producer, over kills."""
    topic = Topic(f"{NAME}-load")
    out = producer(enable_idempotence=True, compression_type="lz4", **THROUGH_KILLS)
    for part in range(KILLS + 1):
        topic.send(out, MEGABYTES * 1000 // (KILLS + 1), topic.latest)
        if part < KILLS:
            bounce()
            topic.check_latest(f"after kill {part + 1}")
    topic.end()


def in_transactions():
    """The same, by transactions some of which are aborted."""
    topic = Topic(f"{NAME}-transactions")
    out = transactional(topic.name)
    retried(lambda: out.init_transactions(WITHIN_S))
    for number in range(MEGABYTES * 500 // PER_TRANSACTION):
        known = {}
        out.begin_transaction()
        topic.send(out, PER_TRANSACTION, known)
        if topic.chance.random() < ABORTS:
            retried(lambda: out.abort_transaction(WITHIN_S))
        else:
            retried(lambda: out.commit_transaction(WITHIN_S))
            topic.latest.update(known)
        if number == MEGABYTES * 300 // PER_TRANSACTION:
            bounce()
    topic.check_latest("written")
    topic.end()


under_load()
in_transactions()
