package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const recordCount = 1000

// records produces and consumes with every codec, and looks at headers, nulls and times.
func records(ctx context.Context) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	for _, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		oneCodec(ctx, "go-records-"+name, codecs[name])
	}
	headersAndTimes(ctx)
}

func oneCodec(ctx context.Context, name string, codec kgo.CompressionCodec) {
	defer topic(ctx, name, 1)()
	// Idempotence is franz-go's default.
	p := client(kgo.DefaultProduceTopic(name), kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(5*time.Millisecond))
	defer p.Close()
	var sent []*kgo.Record
	for i := range recordCount {
		sent = append(sent, kgo.StringRecord(strings.Repeat(fmt.Sprint(i, " "), i%50)))
	}
	must(name, p.ProduceSync(ctx, sent...).FirstErr())
	c := client(kgo.ConsumeTopics(name))
	defer c.Close()
	for i, record := range read(ctx, c, recordCount) {
		if record.Offset != int64(i) || string(record.Value) != string(sent[i].Value) {
			fail("%s: offset %d holds %q", name, record.Offset, record.Value)
		}
	}
	fmt.Println("ok: same and in order:", name)
}

func headersAndTimes(ctx context.Context) {
	const name = "go-records-times"
	defer topic(ctx, name, 1)()
	p := client(kgo.DefaultProduceTopic(name))
	defer p.Close()
	base := time.UnixMilli(1_700_000_000_000)
	headers := []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "b"}}
	for i := range 5 {
		record := &kgo.Record{Key: []byte("k"), Timestamp: base.Add(time.Duration(i) * time.Second), Headers: headers}
		must("produce", p.ProduceSync(ctx, record).FirstErr())
	}
	c := client(kgo.ConsumeTopics(name))
	defer c.Close()
	for i, record := range read(ctx, c, 5) {
		check("null value", record.Value == nil, true)
		check("headers", fmt.Sprint(record.Headers), fmt.Sprint(headers))
		check("time", record.Timestamp.Sub(base), time.Duration(i)*time.Second)
	}
	a := kadm.NewClient(c)
	for millis, expected := range map[int64]int64{0: 0, base.UnixMilli() + 1001: 2} {
		found, err := a.ListOffsetsAfterMilli(ctx, millis, name)
		must("list offsets", err)
		at, _ := found.Lookup(name, 0)
		check(fmt.Sprint("offset at ", millis), at.Offset, expected)
	}
	ends, err := a.ListEndOffsets(ctx, name)
	must("end offsets", err)
	end, _ := ends.Lookup(name, 0)
	check("end", end.Offset, int64(5))
}
