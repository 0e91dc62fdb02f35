package main

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// admin creates, describes, alters and deletes with kadm.
func admin(ctx context.Context) {
	const name = "go-admin"
	c := client()
	defer c.Close()
	a := kadm.NewClient(c)
	value := "1000000"
	_, err := a.CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": &value}, name)
	must("create", err)
	_, err = a.CreateTopic(ctx, 2, 1, nil, name)
	check("create again", errors.Is(err, kerr.TopicAlreadyExists), true)
	_, err = a.CreateTopic(ctx, 2, 3, nil, name+"-x")
	check("too many replicas", errors.Is(err, kerr.InvalidReplicationFactor), true)
	_, err = a.CreatePartitions(ctx, 1, name)
	must("partitions", err)
	check("config", config(ctx, a, name, "retention.ms"), "1000000")
	altered, err := a.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.DeleteConfig, Name: "retention.ms"}}, name)
	must("alter", err)
	must("alter", altered[0].Err)
	check("config deleted", config(ctx, a, name, "retention.ms"), "604800000")
	for range 10 {
		must("produce", c.ProduceSync(ctx, &kgo.Record{Topic: name, Value: []byte("v")}).FirstErr())
	}
	starts, err := a.ListStartOffsets(ctx, name)
	must("start offsets", err)
	ends, err := a.ListEndOffsets(ctx, name)
	must("end offsets", err)
	total := int64(0)
	ends.Each(func(o kadm.ListedOffset) { total += o.Offset })
	starts.Each(func(o kadm.ListedOffset) { total -= o.Offset })
	check("records", total, int64(10))
	_, err = a.DeleteRecords(ctx, ends.Offsets())
	must("delete records", err)
	starts, err = a.ListStartOffsets(ctx, name)
	must("start offsets", err)
	total = 0
	starts.Each(func(o kadm.ListedOffset) { total += o.Offset })
	check("records deleted", total, int64(10))
	metadata, err := a.Metadata(ctx, name)
	must("metadata", err)
	check("brokers", len(metadata.Brokers), 1)
	dirs, err := a.DescribeAllLogDirs(ctx, nil)
	must("log dirs", err)
	check("log dirs", len(dirs), 1)
	offsets := kadm.Offsets{}
	offsets.AddOffset(name, 0, 3, -1)
	must("commit", a.CommitAllOffsets(ctx, name, offsets))
	fetched, err := a.FetchOffsets(ctx, name)
	must("fetch offsets", err)
	at, _ := fetched.Lookup(name, 0)
	check("committed", at.At, int64(3))
	listed, err := a.ListGroups(ctx)
	must("list groups", err)
	_, found := listed[name]
	check("group listed", found, true)
	_, err = a.DeleteGroup(ctx, name)
	must("delete group", err)
	_, err = a.DeleteTopic(ctx, name)
	must("delete", err)
	_, err = a.DeleteTopic(ctx, name)
	check("delete again", errors.Is(err, kerr.UnknownTopicOrPartition), true)
}

func config(ctx context.Context, a *kadm.Client, topic, key string) string {
	described, err := a.DescribeTopicConfigs(ctx, topic)
	must("describe configs", err)
	for _, entry := range described[0].Configs {
		if entry.Key == key {
			return entry.MaybeValue()
		}
	}
	return "absent"
}
