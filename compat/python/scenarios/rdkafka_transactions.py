"""librdkafka's transactions: what is visible when, fencing, and exactly-once loops with random aborts over a kill -9."""
import os
import random
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import (NAME, THROUGH_KILLS, WITHIN_S, bounce, check, consumer, producer, raise_on_error, retried, topics,  # noqa: E402
                    transactional, wait_until)
from confluent_kafka import KafkaException, TopicPartition  # noqa: E402

LONG = os.environ.get("COMPAT_SIZE") == "long"
PARTITIONS = 4
COUNT = 40_000 if LONG else 3_000
KILLS = 10 if LONG else 1
BATCH = 20
ABORTS = 0.3
LOOPS_WITHIN_S = 600 if LONG else 120


def read_all(topic, isolation, partitions):
    """The values of each partition, up to the last that this isolation lets one see."""
    client = consumer(f"{topic}-reader", isolation_level=isolation, enable_partition_eof=True)
    client.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    values, at_end = [[] for _ in range(partitions)], set()
    deadline = time.monotonic() + WITHIN_S
    while len(at_end) < partitions and time.monotonic() < deadline:
        message = client.poll(0.5)
        if message is None:
            continue
        if message.error():
            at_end.add(message.partition())
        else:
            values[message.partition()].append(message.value().decode())
    client.close()
    return values


class Committed:
    """Asks for a group's committed offsets of a topic, by partition; as a consumer, for librdkafka 2.16's admin client dies of the
    NOT_COORDINATOR that a broker may answer while it starts (a null cgrp in rd_kafka_handle_OffsetFetch)."""

    def __init__(self, group, topic, partitions):
        self.client = consumer(group, isolation_level="read_uncommitted", **THROUGH_KILLS)
        self.places = [TopicPartition(topic, partition) for partition in range(partitions)]

    def __call__(self):
        return {place.partition: place.offset for place in retried(lambda: self.client.committed(self.places, WITHIN_S)) if place.offset >= 0}


def visible():
    """Records and offsets of a transaction show when it commits, and never where it aborts."""
    topic = f"{NAME}-visible"
    drop = topics(topic)
    committed = Committed(topic, topic, 1)
    member = consumer(topic, session_timeout_ms=6000, heartbeat_interval_ms=500)
    member.subscribe([topic])
    wait_until("joined", lambda: len(member.assignment()) == 1, lambda: member.poll(0.1))
    out = transactional(topic)
    out.init_transactions(WITHIN_S)
    for number, end in enumerate((out.abort_transaction, out.commit_transaction)):
        out.begin_transaction()
        out.produce(topic, b"%d" % number, on_delivery=raise_on_error)
        out.flush(WITHIN_S)
        out.send_offsets_to_transaction([TopicPartition(topic, 0, 5 + number)], member.consumer_group_metadata(), WITHIN_S)
        check(f"{end.__name__}: nothing committed before", read_all(topic, "read_committed", 1), [[]])
        check(f"{end.__name__}: uncommitted can be read", read_all(topic, "read_uncommitted", 1)[0][-1:], [str(number)])
        check(f"{end.__name__}: no offset before", committed(), {})
        end(WITHIN_S)
    wait_until("the committed offset shows", lambda: committed() == {0: 6})
    check("the committed record shows", read_all(topic, "read_committed", 1), [["1"]])
    member.close()
    drop()


def fencing():
    """A second producer of the same transactional id aborts what the first has open, and fences it."""
    topic = f"{NAME}-fencing"
    drop = topics(topic)
    first, second = transactional(topic), transactional(topic)
    first.init_transactions(WITHIN_S)
    first.begin_transaction()
    first.produce(topic, b"first", on_delivery=raise_on_error)
    first.flush(WITHIN_S)
    second.init_transactions(WITHIN_S)
    second.begin_transaction()
    second.produce(topic, b"second", on_delivery=raise_on_error)
    second.commit_transaction(WITHIN_S)
    try:
        first.commit_transaction(WITHIN_S)
        sys.exit("the first producer committed")
    except KafkaException as error:
        check("the first producer is fenced, for good", (error.args[0].name(), error.args[0].fatal()), ("_FENCED", True))
    check("only the second's record shows", read_all(topic, "read_committed", 1), [["second"]])
    drop()


class Worker:
    """Copies topic IN to OUT: reads as a group's member, writes and commits its offsets in transactions, aborts some."""

    def __init__(self, number, source, sink):
        self.source, self.sink, self.name = source, sink, f"{NAME}-worker-{number}"
        self.chance = random.Random(number)
        self.stop = threading.Event()
        self.aborts = self.commits = 0
        self.failure = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def end(self):
        self.stop.set()
        self.thread.join(WITHIN_S * 2)
        if self.failure or self.thread.is_alive():
            sys.exit(f"{self.name}: {self.failure or 'does not end'}")

    def _run(self):
        client = consumer(self.source, enable_auto_commit=False, isolation_level="read_committed", session_timeout_ms=6000,
                          heartbeat_interval_ms=500, **THROUGH_KILLS)
        out = transactional(self.name)
        client.subscribe([self.source])
        try:
            retried(lambda: out.init_transactions(WITHIN_S))
            while not self.stop.is_set():
                messages = [message for message in client.consume(BATCH, 0.2) if not message.error()]
                if messages:
                    self._transaction(client, out, messages)
        except Exception as error:  # pylint: disable=broad-exception-caught
            self.failure = repr(error)
        client.close()

    def _transaction(self, client, out, messages):
        out.begin_transaction()
        try:
            for message in messages:
                out.produce(self.sink, message.value(), partition=message.partition())
            ends = {}
            for message in messages:
                ends[message.partition()] = message.offset() + 1
            offsets = [TopicPartition(self.source, partition, offset) for partition, offset in ends.items()]
            retried(lambda: out.send_offsets_to_transaction(offsets, client.consumer_group_metadata(), WITHIN_S))
            if self.chance.random() >= ABORTS:
                retried(lambda: out.commit_transaction(WITHIN_S))
                self.commits += 1
                return
        except KafkaException as error:
            # A rebalance took the partitions away, or the broker lost the transaction.
            if not error.args[0].txn_requires_abort():
                raise
        retried(lambda: out.abort_transaction(WITHIN_S))
        self.aborts += 1
        self._rewind(client)

    def _rewind(self, client):
        """Back to what is committed."""
        for place in retried(lambda: client.committed(client.assignment(), WITHIN_S)):
            try:
                client.seek(TopicPartition(place.topic, place.partition, max(place.offset, 0)))
            except KafkaException as error:
                # Taken away meanwhile: whoever has it now starts at what is committed.
                if error.args[0].name() not in ("_STATE", "_UNKNOWN_PARTITION"):
                    raise


def loops():
    """Two workers that come, go, abort and are cut off: each record is in OUT once, in order."""
    source, sink = f"{NAME}-in", f"{NAME}-out"
    drop = topics(source, sink, partitions=PARTITIONS)
    values = [[] for _ in range(PARTITIONS)]
    out = producer(enable_idempotence=True)
    for number in range(COUNT):
        values[number % PARTITIONS].append(str(number))
        out.produce(source, str(number), partition=number % PARTITIONS, on_delivery=raise_on_error)
        out.poll(0)
    out.flush(WITHIN_S)
    workers = [Worker(0, source, sink), Worker(1, source, sink)]

    committed = Committed(source, source, PARTITIONS)

    def copied():
        return sum(committed().values())

    for kill in range(KILLS):
        due = COUNT * (kill + 1) // (KILLS + 2)
        wait_until(f"{due} copied", lambda: copied() >= due or any(worker.failure for worker in workers))  # noqa: B023
        bounce()
        wait_until("and goes on", lambda: copied() >= due + COUNT // 20 or any(worker.failure for worker in workers))  # noqa: B023
        workers[kill % 2].end()
        workers.append(Worker(len(workers), source, sink))
        workers[kill % 2], workers[-1] = workers[-1], workers[kill % 2]
    deadline = time.monotonic() + LOOPS_WITHIN_S
    while copied() < COUNT and time.monotonic() < deadline and not any(worker.failure for worker in workers):
        time.sleep(0.2)
    for worker in workers:
        worker.end()
    check("every record copied once, in order", read_all(sink, "read_committed", PARTITIONS), values)
    check("some transactions were aborted", sum(worker.aborts for worker in workers) > 0, True)
    check("whose records can be read uncommitted", sum(map(len, read_all(sink, "read_uncommitted", PARTITIONS))) > COUNT, True)
    print(f"{sum(worker.commits for worker in workers)} commits, {sum(worker.aborts for worker in workers)} aborts")
    drop()


visible()
fencing()
loops()
