"""What the Python scenarios share. They need BOOTSTRAP=host:port."""
import os
import subprocess
import sys
import time
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

BOOTSTRAP = os.environ["BOOTSTRAP"]
NAME = os.path.basename(sys.argv[0]).removesuffix(".py").replace("_", "-")
WITHIN_S = 30
# When all brokers are down, librdkafka 2.16 forgets them, but not that one of them was a group's coordinator: what next asks that
# one (send_offsets_to_transaction above all) waits for ever, so too against Apache Kafka. This keeps them.
THROUGH_KILLS = {"metadata_recovery_strategy": "none", "reconnect_backoff_max_ms": 200}


def check(what, actual, expected):
    """Ends the scenario where the two differ."""
    if actual != expected:
        sys.exit(f"{what}: {actual!r}, expected {expected!r}")
    print(f"ok: {what}")


def wait_until(what, done, step=lambda: time.sleep(0.1)):
    """Takes steps until `done()`."""
    deadline = time.monotonic() + WITHIN_S
    while not done():
        if time.monotonic() > deadline:
            sys.exit(f"waited {WITHIN_S} s in vain: {what}")
        step()
    print(f"ok: {what}")


def admin():
    return AdminClient({"bootstrap.servers": BOOTSTRAP})


def topics(*names, partitions=1, config=None):
    """Creates topics; returns a function that deletes them."""
    client = admin()
    made = client.create_topics([NewTopic(name, partitions, 1, config=config or {}) for name in names])
    for future in made.values():
        future.result(WITHIN_S)

    def drop():
        for future in client.delete_topics(list(names)).values():
            future.result(WITHIN_S)
    return drop


def producer(**settings):
    return Producer({"bootstrap.servers": BOOTSTRAP, **{key.replace("_", "."): value for key, value in settings.items()}})


def consumer(group, **settings):
    return Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": group, "auto.offset.reset": "earliest",
                     **{key.replace("_", "."): value for key, value in settings.items()}})


def raise_on_error(error, _message):
    if error:
        raise RuntimeError(str(error))


def read(client, count):
    """That many messages, in the order in which they come."""
    messages = []

    def step():
        message = client.poll(0.5)
        if message is None:
            return
        if message.error():
            sys.exit(str(message.error()))
        messages.append(message)
    wait_until(f"{count} messages read", lambda: len(messages) >= count, step)
    return messages


def transactional(name):
    return producer(transactional_id=name, transaction_timeout_ms=60_000, **THROUGH_KILLS)


def retried(call):
    """Calls until it succeeds or fails for another reason than a broker that is away for a moment."""
    while True:
        try:
            return call()
        except KafkaException as error:
            if not error.args[0].retriable():
                raise


def bounce():
    """kill -9 of the broker, and a new start, where the scenario may do that."""
    directory = os.environ.get("BROKER_DIR")
    if directory:
        for what in ("kill", "start"):
            subprocess.run([Path(__file__).resolve().parents[1] / "broker", what, directory], check=True)
