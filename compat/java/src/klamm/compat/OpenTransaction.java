package klamm.compat;

import java.io.BufferedReader;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.MessageUtil;
import org.apache.kafka.common.record.internal.MemoryRecords;
import org.apache.kafka.common.record.internal.SimpleRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A transactional producer that does what its stdin says, so that a script can hold a transaction open.
 * usage: OpenTransaction BOOTSTRAP TRANSACTIONAL_ID [TIMEOUT_MS]
 *
 * Commands, one a line, each answered by a line "ok" or the error's class:
 *   init, begin, commit, abort
 *   send TOPIC PARTITION VALUE     and waits for the acknowledgement
 *   hang ID TOPIC PARTITION PRODUCER_ID EPOCH VALUE   a batch of that transactional id and producer by a bare Produce 11,
 *                                  which does not add the partition to the transaction; "ok" or the broker's error code
 * Ends when its stdin does, without closing the producer in good order.
 */
public final class OpenTransaction {
    private static final short PRODUCE_VERSION = 11;
    private static final int TIMEOUT_MS = 10_000;
    private static final int MAX_RESPONSE_BYTES = 1 << 20;

    private final String bootstrap;
    private final KafkaProducer<String, String> producer;

    private OpenTransaction(String bootstrap, String id, String timeoutMs) {
        this.bootstrap = bootstrap;
        Properties settings = new Properties();
        settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class.getName());
        settings.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, StringSerializer.class.getName());
        settings.put(ProducerConfig.TRANSACTIONAL_ID_CONFIG, id);
        settings.put(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, timeoutMs);
        this.producer = new KafkaProducer<>(settings);
    }

    private String obey(String[] words) throws InterruptedException, IOException {
        try {
            switch (words[0]) {
                case "init" -> producer.initTransactions();
                case "begin" -> producer.beginTransaction();
                case "commit" -> producer.commitTransaction();
                case "abort" -> producer.abortTransaction();
                case "send" -> producer.send(new ProducerRecord<>(words[1], Integer.parseInt(words[2]), "key", words[3])).get();
                case "hang" -> {
                    return hang(words[1], words[2], Integer.parseInt(words[3]), Long.parseLong(words[4]), Short.parseShort(words[5]), words[6]);
                }
                default -> {
                    return "unknown command " + words[0];
                }
            }
            return "ok";
        } catch (ExecutionException e) {
            return e.getCause().getClass().getSimpleName();
        } catch (ApiException e) {
            return e.getClass().getSimpleName();
        }
    }

    private Uuid topicId(String topic) throws ExecutionException, InterruptedException {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        try (Admin admin = Admin.create(settings)) {
            return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).topicId();
        }
    }

    private String hang(String id, String topic, int partition, long producerId, short epoch, String value)
            throws IOException, InterruptedException, ExecutionException {
        MemoryRecords records = MemoryRecords.withTransactionalRecords(Compression.NONE, producerId, epoch, 0,
            new SimpleRecord(System.currentTimeMillis(), "key".getBytes(StandardCharsets.UTF_8), value.getBytes(StandardCharsets.UTF_8)));
        ProduceRequestData request = new ProduceRequestData().setAcks((short) -1).setTimeoutMs(TIMEOUT_MS).setTransactionalId(id);
        request.topicData().add(new ProduceRequestData.TopicProduceData().setName(topic).setTopicId(topicId(topic)).setPartitionData(
            List.of(new ProduceRequestData.PartitionProduceData().setIndex(partition).setRecords(records))));
        RequestHeaderData header = new RequestHeaderData().setRequestApiKey(ApiKeys.PRODUCE.id)
            .setRequestApiVersion(PRODUCE_VERSION).setClientId("hang").setCorrelationId(1);
        ByteBuffer head = MessageUtil.toByteBufferAccessor(header, ApiKeys.PRODUCE.requestHeaderVersion(PRODUCE_VERSION)).buffer();
        ByteBuffer body = MessageUtil.toByteBufferAccessor(request, PRODUCE_VERSION).buffer();
        ByteBuffer answer = exchange(head, body);
        ByteBufferAccessor readable = new ByteBufferAccessor(answer);
        new ResponseHeaderData(readable, ApiKeys.PRODUCE.responseHeaderVersion(PRODUCE_VERSION));
        ProduceResponseData response = new ProduceResponseData(readable, PRODUCE_VERSION);
        Errors error = Errors.forCode(response.responses().iterator().next().partitionResponses().get(0).errorCode());
        return error == Errors.NONE ? "ok" : error.name();
    }

    private ByteBuffer exchange(ByteBuffer head, ByteBuffer body) throws IOException {
        String[] address = bootstrap.split(",")[0].split(":");
        try (Socket socket = new Socket(address[0], Integer.parseInt(address[1]))) {
            socket.setSoTimeout(TIMEOUT_MS);
            DataOutputStream out = new DataOutputStream(socket.getOutputStream());
            out.writeInt(head.remaining() + body.remaining());
            out.write(head.array(), head.arrayOffset() + head.position(), head.remaining());
            out.write(body.array(), body.arrayOffset() + body.position(), body.remaining());
            out.flush();
            DataInputStream in = new DataInputStream(socket.getInputStream());
            int size = in.readInt();
            if (size < 0 || size > MAX_RESPONSE_BYTES) throw new IOException("a response of " + size + " bytes");
            return ByteBuffer.wrap(in.readNBytes(size));
        }
    }

    public static void main(String[] args) throws Exception {
        OpenTransaction open = new OpenTransaction(args[0], args[1], args.length > 2 ? args[2] : "60000");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            System.out.println(open.obey(line.split(" ")));
            System.out.flush();
        }
        open.producer.close(Duration.ZERO);
    }
}
