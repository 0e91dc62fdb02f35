"""librdkafka: every codec, idempotence, acks, headers with duplicates, nulls, timestamps and their lookup."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import NAME, WITHIN_S, check, consumer, producer, raise_on_error, read, topics  # noqa: E402
from confluent_kafka import TopicPartition  # noqa: E402

BASE_TIME_MS = 1_700_000_000_000
COUNT = 2000


def every_codec():
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        for idempotent in (False, True):
            topic = f"{NAME}-{codec}-{idempotent}"
            drop = topics(topic)
            out = producer(compression_type=codec, enable_idempotence=idempotent, linger_ms=20)
            values = [f"{codec} {number} ".encode() * (number % 50) for number in range(COUNT)]
            for value in values:
                out.produce(topic, value, partition=0, on_delivery=raise_on_error)
            check(f"{topic}: all answered", out.flush(WITHIN_S), 0)
            reader = consumer(topic, check_crcs=True, enable_auto_commit=False)
            reader.assign([TopicPartition(topic, 0, 0)])
            messages = read(reader, COUNT)
            check(f"{topic}: values in order", [message.value() or b"" for message in messages], values)
            check(f"{topic}: offsets", [message.offset() for message in messages], list(range(COUNT)))
            reader.close()
            drop()


def headers_nulls_and_times():
    topic = f"{NAME}-times"
    drop = topics(topic)
    headers = [("a", b"1"), ("a", b"2"), ("b", None), ("c", b"")]
    out = producer(acks="1")
    for number in range(10):
        out.produce(topic, None if number == 3 else b"v%d" % number, None if number == 4 else b"k", partition=0,
                    headers=headers, timestamp=BASE_TIME_MS + 1000 * number, on_delivery=raise_on_error)
    out.flush(WITHIN_S)
    reader = consumer(topic, enable_auto_commit=False)
    reader.assign([TopicPartition(topic, 0, 0)])
    messages = read(reader, 10)
    check("duplicate and empty headers", {tuple(message.headers()) for message in messages}, {tuple(headers)})
    check("null value", [message.value() is None for message in messages].index(True), 3)
    check("null key", [message.key() is None for message in messages].index(True), 4)
    check("create times", [message.timestamp() for message in messages], [(1, BASE_TIME_MS + 1000 * number) for number in range(10)])
    for time_ms, expected in ((0, 0), (BASE_TIME_MS + 1, 1), (BASE_TIME_MS + 9000, 9), (BASE_TIME_MS + 9001, -1)):
        found = reader.offsets_for_times([TopicPartition(topic, 0, time_ms)], WITHIN_S)
        check(f"offset for {time_ms}", found[0].offset, expected)
    check("watermarks", reader.get_watermark_offsets(TopicPartition(topic, 0), WITHIN_S), (0, 10))
    reader.close()
    drop()


def append_time():
    topic = f"{NAME}-append"
    drop = topics(topic, config={"message.timestamp.type": "LogAppendTime", "compression.type": "gzip"})
    out = producer(acks="all")
    out.produce(topic, b"v", timestamp=BASE_TIME_MS, on_delivery=raise_on_error)
    out.flush(WITHIN_S)
    reader = consumer(topic)
    reader.assign([TopicPartition(topic, 0, 0)])
    kind, time_ms = read(reader, 1)[0].timestamp()
    check("the broker's time", (kind, time_ms > BASE_TIME_MS + 1_000_000_000), (2, True))
    reader.close()
    drop()


every_codec()
headers_nulls_and_times()
append_time()
