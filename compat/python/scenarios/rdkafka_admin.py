"""librdkafka's admin client: topics, partitions, configs, groups, offsets, records, cluster."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from common import NAME, WITHIN_S, admin, check, consumer, producer, raise_on_error, read, wait_until  # noqa: E402
from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicCollection, TopicPartition  # noqa: E402
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec, ResourceType  # noqa: E402

TOPIC = f"{NAME}-topic"
GROUP = f"{NAME}-group"
client = admin()


def fails(what, future, code):
    try:
        future.result(WITHIN_S)
    except KafkaException as error:
        check(what, error.args[0].code(), code)
        return
    sys.exit(f"{what}: did not fail")


def only(futures):
    return next(iter(futures.values()))


def configs():
    resource = ConfigResource(ResourceType.TOPIC, TOPIC)
    return {name: entry.value for name, entry in only(client.describe_configs([resource])).result(WITHIN_S).items()}


def topics_and_configs():
    only(client.create_topics([NewTopic(TOPIC, 2, 1, config={"retention.ms": "1000000"})])).result(WITHIN_S)
    fails("create again", only(client.create_topics([NewTopic(TOPIC, 2, 1)])), KafkaError.TOPIC_ALREADY_EXISTS)
    fails("create, only checked", only(client.create_topics([NewTopic(TOPIC, 2, 1)], validate_only=True)), KafkaError.TOPIC_ALREADY_EXISTS)
    only(client.create_topics([NewTopic(f"{TOPIC}-x", 2, 1)], validate_only=True)).result(WITHIN_S)
    check("a check creates nothing", f"{TOPIC}-x" in client.list_topics(timeout=WITHIN_S).topics, False)
    fails("bad name", only(client.create_topics([NewTopic("bad name", 1, 1)])), KafkaError.TOPIC_EXCEPTION)
    fails("bad factor", only(client.create_topics([NewTopic(f"{TOPIC}-x", 1, 3)])), KafkaError.INVALID_REPLICATION_FACTOR)
    fails("bad config", only(client.create_topics([NewTopic(f"{TOPIC}-x", 1, 1, config={"retention.ms": "soon"})])), KafkaError.INVALID_CONFIG)
    only(client.create_partitions([NewPartitions(TOPIC, 4)])).result(WITHIN_S)
    fails("fewer partitions", only(client.create_partitions([NewPartitions(TOPIC, 3)])), KafkaError.INVALID_PARTITIONS)
    wait_until("4 partitions", lambda: len(client.list_topics(TOPIC, WITHIN_S).topics[TOPIC].partitions) == 4)
    check("config of creation", configs()["retention.ms"], "1000000")
    change = ConfigResource(ResourceType.TOPIC, TOPIC, incremental_configs=[
        ConfigEntry("retention.ms", None, incremental_operation=AlterConfigOpType.DELETE),
        ConfigEntry("max.message.bytes", "5000", incremental_operation=AlterConfigOpType.SET),
        ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.APPEND)])
    only(client.incremental_alter_configs([change])).result(WITHIN_S)
    after = configs()
    check("configs changed", [after[name] for name in ("retention.ms", "max.message.bytes", "cleanup.policy")],
          ["604800000", "5000", "delete,compact"])
    only(client.alter_configs([ConfigResource(ResourceType.TOPIC, TOPIC, set_config={"segment.bytes": "2097152"})])).result(WITHIN_S)
    after = configs()
    check("configs replaced", [after[name] for name in ("segment.bytes", "max.message.bytes")], ["2097152", "1048588"])
    broker = only(client.describe_configs([ConfigResource(ResourceType.BROKER, "1")])).result(WITHIN_S)
    check("broker config", broker["node.id"].value, "1")
    fails("configs of no topic", only(client.describe_configs([ConfigResource(ResourceType.TOPIC, f"{TOPIC}-none")])),
          KafkaError.UNKNOWN_TOPIC_OR_PART)
    described = only(client.describe_topics(TopicCollection([TOPIC]))).result(WITHIN_S)
    check("described", (described.name, len(described.partitions), described.partitions[0].leader.id), (TOPIC, 4, 1))
    cluster = client.describe_cluster().result(WITHIN_S)
    check("cluster", (len(cluster.cluster_id), [node.id for node in cluster.nodes]), (22, [1]))


def offsets_and_records():
    out = producer()
    for number in range(20):
        out.produce(TOPIC, b"v", partition=0, timestamp=1_700_000_000_000 + number, on_delivery=raise_on_error)
    out.flush(WITHIN_S)
    place = TopicPartition(TOPIC, 0)
    for spec, expected in ((OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 20), (OffsetSpec.max_timestamp(), 19),
                           (OffsetSpec.for_timestamp(1_700_000_000_007), 7)):
        check(f"offset {type(spec).__name__}", client.list_offsets({place: spec})[place].result(WITHIN_S).offset, expected)
    check("records deleted", client.delete_records([TopicPartition(TOPIC, 0, 5)])[place].result(WITHIN_S).low_watermark, 5)
    check("new start", client.list_offsets({place: OffsetSpec.earliest()})[place].result(WITHIN_S).offset, 5)


def groups():
    member = consumer(GROUP, client_id="member")
    member.subscribe([TOPIC])
    read(member, 15)
    member.commit(asynchronous=False)
    described = client.describe_consumer_groups([GROUP])[GROUP].result(WITHIN_S)
    check("group", (described.state, described.partition_assignor, [m.client_id for m in described.members]),
          (ConsumerGroupState.STABLE, "range", ["member"]))
    listed = client.list_consumer_groups().result(WITHIN_S)
    check("listed", [group.group_id for group in listed.valid if group.group_id == GROUP], [GROUP])
    fails("delete while in use", client.delete_consumer_groups([GROUP])[GROUP], KafkaError.NON_EMPTY_GROUP)
    member.close()
    request = ConsumerGroupTopicPartitions(GROUP, [TopicPartition(TOPIC, 0, 9)])
    client.alter_consumer_group_offsets([request])[GROUP].result(WITHIN_S)
    found = client.list_consumer_group_offsets([ConsumerGroupTopicPartitions(GROUP, [TopicPartition(TOPIC, 0)])])[GROUP].result(WITHIN_S)
    check("offset altered", found.topic_partitions[0].offset, 9)
    client.delete_consumer_groups([GROUP])[GROUP].result(WITHIN_S)
    fails("delete again", client.delete_consumer_groups([GROUP])[GROUP], KafkaError.GROUP_ID_NOT_FOUND)


topics_and_configs()
offsets_and_records()
groups()
only(client.delete_topics([TOPIC])).result(WITHIN_S)
fails("delete again", only(client.delete_topics([TOPIC])), KafkaError.UNKNOWN_TOPIC_OR_PART)
