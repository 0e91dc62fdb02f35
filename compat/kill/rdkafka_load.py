"""Load for the kill test by librdkafka's idempotent producer; the twin of klamm.compat.KillLoad.

usage: rdkafka_load.py BOOTSTRAP TOPIC PARTITIONS RECORDS_PER_SECOND ACK_LOG; ends when its stdin ends.
"""
import random
import sys
import threading
import time
import zlib

from confluent_kafka import Producer

MAX_VALUE_BYTES = 1500


def main():
    bootstrap, topic, partitions, per_second, ack_log = sys.argv[1:]
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    chance = random.Random(2)
    with open(ack_log, "w", encoding="ascii") as log:
        def fatal(error):
            if error.fatal():
                log.write(f"error fatal {error}\n")

        producer = Producer({
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "linger.ms": 5,
            "compression.type": "snappy",
            "request.timeout.ms": 10000,
            "message.timeout.ms": 300000,
            "reconnect.backoff.max.ms": 100,
            "error_cb": fatal,
        })

        def note(key, crc):
            def answered(error, message):
                if error:
                    log.write(f"error {key} {error}\n")
                else:
                    log.write(f"{message.partition()} {message.offset()} {key} {crc}\n")
            return answered

        started, number = time.monotonic(), 0
        while not stop.is_set():
            value = chance.randbytes(chance.randrange(MAX_VALUE_BYTES))
            key = f"rdkafka-{number}"
            while True:
                try:
                    producer.produce(topic, value, key, number % int(partitions), on_delivery=note(key, zlib.crc32(value)))
                    break
                except BufferError:
                    producer.poll(0.1)
            number += 1
            ahead = number / int(per_second) - (time.monotonic() - started)
            producer.poll(max(0, ahead))
            if ahead < -1:
                started -= ahead
        if producer.flush(300):
            log.write("error unanswered at the end\n")


if __name__ == "__main__":
    main()
