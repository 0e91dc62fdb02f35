"""librdkafka: groups of the consumer protocol (KIP-848): members that come, go and die, static ones, a regular expression,
and members of both protocols in one group while it is read."""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import NAME, WITHIN_S, admin, check, consumer, producer, raise_on_error, topics, wait_until  # noqa: E402
from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, ConsumerGroupType  # noqa: E402
from confluent_kafka import KafkaError, KafkaException, TopicPartition  # noqa: E402

PARTITIONS = 4
COUNT = 400
ADMIN = admin()
ALL = set(range(PARTITIONS))


class Member:
    """A consumer that remembers what it read."""

    def __init__(self, group, topic, protocol="consumer", **settings):
        if protocol == "classic":
            # Kafka lets no group go over whose assignor keeps data of its own with an assignment, as sticky ones do.
            settings |= {"partition.assignment.strategy": "range", "session.timeout.ms": 6000,
                         "heartbeat.interval.ms": 500}
        self.client = consumer(group, **{"group.protocol": protocol}, **settings)
        self.values = []
        self.client.subscribe([topic])

    def owned(self):
        return {partition.partition for partition in self.client.assignment()}

    def step(self):
        message = self.client.poll(0.05)
        if message and not message.error():
            self.values.append(message.value())


def close(*members):
    """Commits what each has read, if anything, and leaves."""
    for member in members:
        try:
            member.client.commit(asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() != KafkaError._NO_OFFSET:
                raise
        member.client.close()


def fill(topic, offset=0):
    out = producer(enable_idempotence=True)
    for number in range(COUNT):
        out.produce(topic, b"%d" % (number + offset), partition=number % PARTITIONS, on_delivery=raise_on_error)
    out.flush(WITHIN_S)


def each(*members):
    def step():
        for member in members:
            member.step()
    return step


def shared(*members):
    """Whether the members own everything between them, each its part."""
    parts = [member.owned() for member in members]
    return all(parts) and set.union(*parts) == ALL and sum(map(len, parts)) == PARTITIONS


def described(group):
    return ADMIN.describe_consumer_groups([group])[group].result(WITHIN_S)


def committed(group):
    offsets = ADMIN.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(WITHIN_S)
    return {partition.partition: partition.offset for partition in offsets.topic_partitions}


def come_and_go():
    topic = f"{NAME}-come"
    drop = topics(topic, partitions=PARTITIONS)
    fill(topic)
    first = Member(topic, topic)
    wait_until("one member owns all", lambda: first.owned() == ALL, first.step)
    wait_until("and reads all", lambda: len(first.values) == COUNT, first.step)
    group = described(topic)
    check("its type", group.type, ConsumerGroupType.CONSUMER)
    check("its state", group.state, ConsumerGroupState.STABLE)
    second, third = Member(topic, topic), Member(topic, topic)
    wait_until("three members share", lambda: shared(first, second, third), each(first, second, third))
    fill(topic, COUNT)
    everything = lambda: len(first.values) + len(second.values) + len(third.values)  # noqa: E731
    wait_until("and read on", lambda: everything() == 2 * COUNT, each(first, second, third))
    close(third)
    wait_until("two share after one left", lambda: shared(first, second), each(first, second))
    check("nothing read twice or left out", sorted(int(v) for m in (first, second, third) for v in m.values),
          list(range(2 * COUNT)))
    close(second, first)
    check("committed", committed(topic), {partition: 2 * COUNT // PARTITIONS for partition in ALL})
    wait_until("an empty group", lambda: described(topic).state == ConsumerGroupState.EMPTY)
    ADMIN.delete_consumer_groups([topic])[topic].result(WITHIN_S)
    drop()


def static_members():
    topic = f"{NAME}-static"
    drop = topics(topic, partitions=PARTITIONS)
    one = Member(topic, topic, group_instance_id="one")
    two = Member(topic, topic, group_instance_id="two")
    wait_until("static members share", lambda: shared(one, two), each(one, two))
    before = one.owned()
    one.client.close()
    again = Member(topic, topic, group_instance_id="one")
    wait_until("a static member comes back to what it had", lambda: again.owned() == before, each(again, two))
    check("the other keeps its own", two.owned(), ALL - before)
    check("both are known by instance", sorted(m.group_instance_id for m in described(topic).members), ["one", "two"])
    again.client.close()
    two.client.close()
    drop()


def regular_expression():
    names = [f"{NAME}-re-{letter}" for letter in "ab"]
    drop = topics(*names)
    member = Member(f"{NAME}-re", f"^{NAME}-re-.*", **{"topic.metadata.refresh.interval.ms": 1000})
    topics_of = lambda: {partition.topic for partition in member.client.assignment()}  # noqa: E731
    wait_until("an expression stands for topics", lambda: topics_of() == set(names), member.step)
    member.client.close()
    drop()


def both_protocols():
    topic = f"{NAME}-both"
    drop = topics(topic, partitions=PARTITIONS)
    fill(topic)
    classic = Member(topic, topic, "classic")
    wait_until("a classic member owns all", lambda: classic.owned() == ALL, classic.step)
    check("a classic group", described(topic).type, ConsumerGroupType.CLASSIC)
    modern = Member(topic, topic)
    wait_until("members of both protocols share", lambda: shared(classic, modern), each(classic, modern))
    check("a consumer group", described(topic).type, ConsumerGroupType.CONSUMER)
    fill(topic, COUNT)
    wait_until("and read", lambda: len({*classic.values, *modern.values}) == 2 * COUNT, each(classic, modern))
    close(modern)
    wait_until("the classic member owns all again", lambda: classic.owned() == ALL, classic.step)
    check("a classic group again", described(topic).type, ConsumerGroupType.CLASSIC)
    fill(topic, 2 * COUNT)
    wait_until("and reads all", lambda: len({*classic.values, *modern.values}) == 3 * COUNT, classic.step)
    # The other way round: the new protocol takes over from the last classic member.
    modern = Member(topic, topic)
    wait_until("members of both protocols share again", lambda: shared(classic, modern), each(classic, modern))
    close(classic)
    wait_until("the new member owns all", lambda: modern.owned() == ALL, modern.step)
    close(modern)
    check("committed", committed(topic), {partition: 3 * COUNT // PARTITIONS for partition in ALL})
    drop()


def killed_member():
    topic = f"{NAME}-dead"
    drop = topics(topic, partitions=PARTITIONS)
    first = Member(topic, topic)
    wait_until("one member", lambda: first.owned() == ALL, first.step)
    # A program of its own: a fork would inherit the locks that this one's threads hold at that moment.
    second = subprocess.Popen([sys.executable, __file__, "member", topic])  # pylint: disable=consider-using-with
    wait_until("a second process shares", lambda: len(first.owned()) == PARTITIONS // 2, first.step)
    second.kill()
    second.wait()
    check("it is still a member", len(described(topic).members), 2)
    first.client.commit(offsets=[TopicPartition(topic, min(first.owned()), 1)], asynchronous=False)
    first.client.close()
    drop()


def member_for_ever(topic):
    member = Member(topic, topic)
    while True:
        member.step()


if sys.argv[1:2] == ["member"]:
    member_for_ever(sys.argv[2])
come_and_go()
static_members()
regular_expression()
both_protocols()
killed_member()
