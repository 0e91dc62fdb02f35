"""Holds topic "out" against topic "in", of which it is to be a copy, partition by partition; and both against what the tools said.

usage: verify_copies.py BOOTSTRAP PRODUCER_JSON CONSUMER_JSON [--only-count]
Exits 1 where a record is missing, doubled or out of order, where one that was acknowledged is not there, or where the reader of
committed records was shown one that did not stay. With --only-count: where not all are copied yet.
"""
import json
import sys

from confluent_kafka import Consumer, TopicPartition

PARTITIONS = 4


def read(bootstrap, topic, isolation):
    """The values of each partition as [(offset, value)]."""
    client = Consumer({"bootstrap.servers": bootstrap, "group.id": "verify", "enable.auto.commit": False, "check.crcs": True,
                       "isolation.level": isolation, "enable.partition.eof": True})
    client.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    records, at_end = [[] for _ in range(PARTITIONS)], set()
    while len(at_end) < PARTITIONS:
        messages = client.consume(1000, 30)
        if not messages:
            sys.exit(f"{topic}: nothing more within 30 s")
        for message in messages:
            if message.error():
                at_end.add(message.partition())
            else:
                records[message.partition()].append((message.offset(), message.value().decode()))
    client.close()
    return records


def events(path, name):
    """The tool's events of that name; lines that a kill cut short are left out."""
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("name") == name:
                yield event


def main():
    bootstrap, producer, consumer = sys.argv[1:4]
    source = read(bootstrap, "in", "read_uncommitted")
    copy = read(bootstrap, "out", "read_committed")
    if sys.argv[4:]:
        sys.exit(sum(map(len, copy)) < sum(map(len, source)))
    faults = []
    for partition in range(PARTITIONS):
        wrote, copied = ([value for _, value in records[partition]] for records in (source, copy))
        if wrote != copied:
            missing, extra = set(wrote) - set(copied), len(copied) - len(set(copied))
            faults.append(f"partition {partition}: {len(wrote)} written, {len(copied)} copied; {len(missing)} missing {sorted(missing)[:3]}, {extra} doubled, or the order differs")
    values = [value for records in source for _, value in records]
    if len(values) != len(set(values)):
        faults.append(f"{len(values) - len(set(values))} records were written twice")
    acknowledged = {str(event["value"]) for event in events(producer, "producer_send_success")}
    failed = sum(1 for _ in events(producer, "producer_send_error"))
    if acknowledged - set(values):
        faults.append(f"{len(acknowledged - set(values))} acknowledged records are not there")
    stays = [dict(records) for records in copy]
    shown = [(event["partition"], event["offset"], event["value"]) for event in events(consumer, "record_data")]
    gone = [each for each in shown if stays[each[0]].get(each[1]) != each[2]]
    if gone:
        faults.append(f"{len(gone)} records were shown as committed and are not: {gone[:3]}")
    unseen = sum(map(len, copy)) - len({(partition, offset) for partition, offset, _ in shown})
    uncommitted = sum(map(len, read(bootstrap, "out", "read_uncommitted")))
    print(f"{len(values)} records written, {len(acknowledged)} of them acknowledged, {failed} refused; copied {sum(map(len, copy))}, and {uncommitted - sum(map(len, copy))} "
          f"in aborted transactions; the consumer read {len(shown)} and had not come to {unseen}; {len(faults)} faults")
    for fault in faults:
        print(f"  {fault}")
    if not acknowledged or not shown or uncommitted == sum(map(len, copy)):
        faults.append("")
        print("  nothing acknowledged, read or aborted: this proves nothing")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
