package klamm.compat;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.zip.CRC32;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Load for the kill test: an idempotent producer, and topics that come and go so that metadata is written as well.
 * usage: KillLoad BOOTSTRAP TOPIC PARTITIONS RECORDS_PER_SECOND ACK_LOG
 *
 * Record n has the key "java-n". Each acknowledged record is a line "partition offset key crc32-of-value" of ACK_LOG;
 * a send that fails for good is a line "error ...". Ends, after all sends are answered, when its stdin ends.
 */
public final class KillLoad {
    private static final int MAX_VALUE_BYTES = 1500;
    private static final int CHURN_EVERY_MS = 250;
    private static final String GIVE_UP_AFTER_MS = "300000";

    private static volatile boolean stopped;

    private KillLoad() { }

    private static Properties settings(String bootstrap) {
        Properties settings = new Properties();
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
        settings.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
        settings.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
        settings.put(ProducerConfig.ACKS_CONFIG, "all");
        settings.put(ProducerConfig.LINGER_MS_CONFIG, "5");
        settings.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, "10000");
        settings.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, GIVE_UP_AFTER_MS);
        settings.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, GIVE_UP_AFTER_MS);
        settings.put(ProducerConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, "100");
        settings.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
        return settings;
    }

    /** Creates and deletes topics for ever; a call that a kill cut off may fail, the next may find it done. */
    private static void churn(String bootstrap, String prefix) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("default.api.timeout.ms", "10000");
        settings.put("request.timeout.ms", "5000");
        settings.put("reconnect.backoff.max.ms", "100");
        try (Admin admin = Admin.create(settings)) {
            for (long n = 0; !Thread.currentThread().isInterrupted(); n++) {
                String name = prefix + "-churn-" + n % 5;
                try {
                    if (n / 5 % 2 == 0) admin.createTopics(List.of(new NewTopic(name, 2, (short) 1))).all().get();
                    else admin.deleteTopics(List.of(name)).all().get();
                } catch (ExecutionException e) {
                    continue;
                } finally {
                    Thread.sleep(CHURN_EVERY_MS);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static long crcOf(byte[] value) {
        CRC32 crc = new CRC32();
        crc.update(value);
        return crc.getValue();
    }

    private static void note(BufferedWriter log, String line) {
        synchronized (log) {
            try {
                log.write(line);
                log.newLine();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static void produce(KafkaProducer<byte[], byte[]> producer, String topic, int partitions, int perSecond, BufferedWriter log)
            throws InterruptedException {
        Random random = new Random(1);
        long started = System.nanoTime();
        for (long n = 0; !stopped; n++) {
            byte[] value = new byte[random.nextInt(MAX_VALUE_BYTES)];
            random.nextBytes(value);
            String key = "java-" + n;
            long crc = crcOf(value);
            var record = new ProducerRecord<>(topic, (int) (n % partitions), key.getBytes(StandardCharsets.US_ASCII), value);
            producer.send(record, (metadata, error) -> note(log, error == null
                    ? metadata.partition() + " " + metadata.offset() + " " + key + " " + crc
                    : "error " + key + " " + error));
            long aheadMs = n * 1000 / perSecond - (System.nanoTime() - started) / 1_000_000;
            if (aheadMs > 0) Thread.sleep(aheadMs);
            // After a time without a broker, go on at the same pace.
            if (aheadMs < -1000) started += -aheadMs * 1_000_000;
        }
    }

    private static void waitForStop() {
        try {
            while (System.in.read() >= 0) { }
        } catch (IOException ignored) {
            // As good as its end.
        }
        stopped = true;
    }

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        String topic = args[1];
        Thread stop = new Thread(KillLoad::waitForStop, "stop");
        Thread churn = new Thread(() -> churn(bootstrap, topic), "churn");
        stop.setDaemon(true);
        churn.setDaemon(true);
        stop.start();
        churn.start();
        try (BufferedWriter log = Files.newBufferedWriter(Path.of(args[4]))) {
            KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings(bootstrap));
            produce(producer, topic, Integer.parseInt(args[2]), Integer.parseInt(args[3]), log);
            producer.close(Duration.ofMinutes(5));
        }
        System.exit(0);
    }
}
