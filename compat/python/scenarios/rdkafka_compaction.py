"""Compaction of transactions: what is left, offset by offset, is what Apache Kafka leaves of the same transactions."""
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import NAME, WITHIN_S, check, consumer, producer, raise_on_error, topics, wait_until  # noqa: E402
from confluent_kafka import TopicPartition  # noqa: E402

# Segments close after half a second of record time, and are cleaned as soon as they are dirty.
drop = topics(NAME, config={"cleanup.policy": "compact", "segment.ms": "500", "min.cleanable.dirty.ratio": "0.001"})


def left(isolation="read_committed"):
    """Offset, key, value of all records there are."""
    client = consumer(f"{NAME}-{isolation}", isolation_level=isolation, enable_auto_commit=False, enable_partition_eof=True)
    client.assign([TopicPartition(NAME, 0, 0)])
    found, ended = [], False
    until = time.monotonic() + WITHIN_S
    while not ended and time.monotonic() < until:
        message = client.poll(1)
        if message is None:
            continue
        ended = bool(message.error())
        if not ended:
            found.append((message.offset(), message.key().decode(), (message.value() or b"null").decode()))
    client.close()
    return found


def write(client, *pairs):
    for key, value in pairs:
        client.produce(NAME, value, key, on_delivery=raise_on_error)


watcher = consumer(f"{NAME}-watcher")


def marked(end):
    """Until the marker lies in the log: whoever ends a transaction is answered before."""
    wait_until(f"{end} offsets", lambda: watcher.get_watermark_offsets(TopicPartition(NAME, 0), WITHIN_S)[1] == end)


plain = producer(enable_idempotence=True)
first = producer(transactional_id=f"{NAME}-1", compression_type="lz4")
second = producer(transactional_id=f"{NAME}-2", compression_type="zstd")
for one in (first, second):
    one.init_transactions(WITHIN_S)

write(plain, ("a", "plain 1"), ("b", "plain 1"), ("c", "plain 1"), ("d", "plain 1"))      # 0-3
plain.flush()
first.begin_transaction()
write(first, ("a", "aborted"), ("b", None))                                               # 4-5, marker 6
first.flush()
first.abort_transaction(WITHIN_S)
marked(7)
time.sleep(0.7)
second.begin_transaction()
write(second, ("b", "committed 1"), ("c", None))                                          # 7-8, marker 9
second.flush()
second.commit_transaction(WITHIN_S)
marked(10)
first.begin_transaction()
write(first, ("d", "committed 2"), ("e", "committed 2"))                                  # 10-11, marker 12
first.flush()
first.commit_transaction(WITHIN_S)
marked(13)
second.begin_transaction()
write(second, ("a", "aborted"), ("e", "aborted"), ("f", "aborted"))                       # 13-15, marker 16
second.flush()
second.abort_transaction(WITHIN_S)
marked(17)
time.sleep(0.7)
write(plain, ("d", "plain 2"))                                                            # 17
plain.flush()
committed = [(0, "a", "plain 1"), (1, "b", "plain 1"), (2, "c", "plain 1"), (3, "d", "plain 1"), (7, "b", "committed 1"),
             (8, "c", "null"), (10, "d", "committed 2"), (11, "e", "committed 2"), (17, "d", "plain 2")]
seen = left()
# The cleaner may have been at the first segments already.
check("nothing aborted is seen", [record for record in seen if record not in committed], [])
time.sleep(0.7)
write(plain, ("end", "1"))                                                                # 18
plain.flush()
expected = [(0, "a", "plain 1"), (7, "b", "committed 1"), (8, "c", "null"), (11, "e", "committed 2"), (17, "d", "plain 2"),
            (18, "end", "1")]
wait_until("only the newest committed records are left", lambda: left("read_uncommitted") == expected)
check("the same is seen by who reads committed records", left(), expected)
for round in range(3):
    # Their markers go, and the producers go on.
    time.sleep(0.7)
    first.begin_transaction()
    write(first, ("f", f"round {round}"))
    first.commit_transaction(WITHIN_S)
    write(plain, ("end", f"round {round}"))
    plain.flush()
wait_until("further rounds leave the newest", lambda: [key for _, key, _ in left()][:4] == ["a", "b", "c", "e"])
check("the last value", left()[-1][1:], ("end", "round 2"))
drop()
