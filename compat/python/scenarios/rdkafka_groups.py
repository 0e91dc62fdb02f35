"""librdkafka: groups with eager and cooperative rebalances, commits, static members, and a member that dies."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import NAME, WITHIN_S, admin, check, consumer, producer, raise_on_error, read, topics, wait_until  # noqa: E402
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition  # noqa: E402

PARTITIONS = 4
COUNT = 400
ADMIN = admin()


class Member:
    """A consumer that remembers what was assigned to it, revoked from it and read by it."""

    def __init__(self, group, topic, **settings):
        self.client = consumer(group, session_timeout_ms=6000, heartbeat_interval_ms=500, **settings)
        self.assigned, self.revoked, self.values = [], [], []
        self.client.subscribe([topic], on_assign=self._on_assign, on_revoke=self._on_revoke)

    def _on_assign(self, _client, partitions):
        self.assigned.append({partition.partition for partition in partitions})

    def _on_revoke(self, _client, partitions):
        self.revoked.append({partition.partition for partition in partitions})

    def owned(self):
        return {partition.partition for partition in self.client.assignment()}

    def step(self):
        message = self.client.poll(0.05)
        if message and not message.error():
            self.values.append(message.value())


def fill(topic):
    out = producer(enable_idempotence=True)
    for number in range(COUNT):
        out.produce(topic, b"%d" % number, partition=number % PARTITIONS, on_delivery=raise_on_error)
    out.flush(WITHIN_S)


def rebalance(strategy):
    topic = f"{NAME}-{strategy}"
    drop = topics(topic, partitions=PARTITIONS)
    fill(topic)
    first = Member(topic, topic, partition_assignment_strategy=strategy)
    wait_until(f"{strategy}: one member owns all", lambda: first.owned() == set(range(PARTITIONS)), first.step)
    wait_until(f"{strategy}: and reads all", lambda: len(first.values) == COUNT, first.step)
    first.client.commit(asynchronous=False)
    second = Member(topic, topic, partition_assignment_strategy=strategy)

    def both():
        first.step()
        second.step()
    wait_until(f"{strategy}: two members share", lambda: len(first.owned()) == len(second.owned()) == PARTITIONS // 2, both)
    check(f"{strategy}: no partition twice", first.owned() & second.owned(), set())
    given_up = set() if not first.revoked else set.union(*first.revoked)
    check(f"{strategy}: given up", given_up, second.owned() if strategy == "cooperative-sticky" else set(range(PARTITIONS)))
    second.client.close()
    wait_until(f"{strategy}: after it left, one owns all", lambda: first.owned() == set(range(PARTITIONS)), first.step)
    check(f"{strategy}: nothing read twice", (len(first.values), len(second.values)), (COUNT, 0))
    first.client.close()
    offsets = ADMIN.list_consumer_group_offsets([ConsumerGroupTopicPartitions(topic)])[topic].result(WITHIN_S)
    check(f"{strategy}: committed", {p.partition: p.offset for p in offsets.topic_partitions},
          {partition: COUNT // PARTITIONS for partition in range(PARTITIONS)})
    drop()


def static_members():
    topic = f"{NAME}-static"
    drop = topics(topic, partitions=PARTITIONS)
    members = [Member(topic, topic, group_instance_id=f"instance-{number}") for number in range(2)]

    def all_step():
        for member in members:
            member.step()
    wait_until("static: shared", lambda: all(len(member.owned()) == 2 for member in members), all_step)
    before = members[1].owned()
    generation = len(members[0].assigned)
    members[1].client.close()
    members[1] = Member(topic, topic, group_instance_id="instance-1")
    wait_until("static: the same partitions after a restart", lambda: members[1].owned() == before, all_step)
    check("static: the other was left alone", len(members[0].assigned), generation)
    described = ADMIN.describe_consumer_groups([topic])[topic].result(WITHIN_S)
    check("static: described", sorted(member.group_instance_id for member in described.members), ["instance-0", "instance-1"])
    for member in members:
        member.client.close()
    drop()


def commits():
    topic = f"{NAME}-commits"
    drop = topics(topic, partitions=PARTITIONS)
    fill(topic)
    group = f"{topic}-group"
    first = consumer(group, enable_auto_commit=False)
    first.assign([TopicPartition(topic, 0)])
    messages = read(first, 10)
    first.commit(message=messages[4], asynchronous=False)
    first.close()
    second = consumer(group, enable_auto_commit=False)
    check("committed with metadata", second.committed([TopicPartition(topic, 0)], WITHIN_S)[0].offset, messages[4].offset() + 1)
    check("not committed", second.committed([TopicPartition(topic, 1)], WITHIN_S)[0].offset, -1001)
    second.assign([TopicPartition(topic, 0)])
    check("goes on there", read(second, 1)[0].offset(), messages[4].offset() + 1)
    second.close()
    drop()


for assignor in ("range", "roundrobin", "cooperative-sticky"):
    rebalance(assignor)
static_members()
commits()
