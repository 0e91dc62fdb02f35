package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const transactionPartitions = 3

// transactions commits, aborts, is fenced, and moves records from topic to topic exactly once.
func transactions(ctx context.Context) {
	ends(ctx)
	fenced(ctx)
	exactlyOnce(ctx)
}

func committedReader(name string) *kgo.Client {
	return client(kgo.ConsumeTopics(name), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
}

func end(ctx context.Context, c *kgo.Client, try kgo.TransactionEndTry) {
	must("flush", c.Flush(ctx))
	must("end a transaction", c.EndTransaction(ctx, try))
}

func ends(ctx context.Context) {
	name := "go-transactions-ends"
	defer topic(ctx, name, transactionPartitions)()
	p := client(kgo.TransactionalID(name), kgo.DefaultProduceTopic(name), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	defer p.Close()
	a := kadm.NewClient(p)
	for i := range 20 {
		must("begin", p.BeginTransaction())
		try := kgo.TransactionEndTry(i%2 == 0)
		for range 9 {
			p.Produce(ctx, kgo.StringRecord(fmt.Sprint(try)), func(_ *kgo.Record, err error) { must("produce", err) })
		}
		end(ctx, p, try)
	}
	r := committedReader(name)
	defer r.Close()
	for _, record := range read(ctx, r, 90) {
		if string(record.Value) != "true" {
			fail("an aborted record was read")
		}
	}
	fmt.Println("ok: every committed record and no other")

	must("begin", p.BeginTransaction())
	must("produce", p.ProduceSync(ctx, kgo.StringRecord("open")).FirstErr())
	described, err := a.DescribeTransactions(ctx, name)
	must("describe", err)
	check("state", described[name].State, "Ongoing")
	check("partitions", len(described[name].Topics.Sorted()), 1)
	open := uncommitted(ctx, a, name)
	check("open on as many partitions", open, 1)
	end(ctx, p, kgo.TryAbort)
	waitFor("nothing is open", func() bool { return uncommitted(ctx, a, name) == 0 })
	waitFor("the last stable offset is the end", func() bool {
		stable, err := a.ListCommittedOffsets(ctx, name)
		must("list offsets", err)
		all, err := a.ListEndOffsets(ctx, name)
		must("list offsets", err)
		same := true
		all.Each(func(o kadm.ListedOffset) { same = same && stable[name][o.Partition].Offset == o.Offset })
		return same
	})
	waitFor("it is listed as aborted", func() bool {
		listed, err := a.ListTransactions(ctx, nil, []string{"CompleteAbort"})
		must("list", err)
		_, found := listed[name]
		return found
	})
}

// uncommitted counts the partitions on which a producer has a transaction open.
func uncommitted(ctx context.Context, a *kadm.Client, name string) int {
	producers, err := a.DescribeProducers(ctx, kadm.TopicsSet{name: {0: {}, 1: {}, 2: {}}})
	must("describe producers", err)
	open := 0
	producers.EachProducer(func(p kadm.DescribedProducer) {
		if p.CurrentTxnStartOffset >= 0 {
			open++
		}
	})
	return open
}

func fenced(ctx context.Context) {
	name := "go-transactions-fenced"
	defer topic(ctx, name, 1)()
	old := client(kgo.TransactionalID(name), kgo.DefaultProduceTopic(name))
	defer old.Close()
	must("begin", old.BeginTransaction())
	must("produce", old.ProduceSync(ctx, kgo.StringRecord("old")).FirstErr())
	next := client(kgo.TransactionalID(name), kgo.DefaultProduceTopic(name))
	defer next.Close()
	must("begin", next.BeginTransaction())
	must("produce", next.ProduceSync(ctx, kgo.StringRecord("next")).FirstErr())
	end(ctx, next, kgo.TryCommit)
	err := old.ProduceSync(ctx, kgo.StringRecord("late")).FirstErr()
	is := errors.Is(err, kerr.InvalidProducerEpoch) || errors.Is(err, kerr.ProducerFenced)
	check("the old producer is fenced", is, true)
	r := committedReader(name)
	defer r.Close()
	check("what is read", string(read(ctx, r, 1)[0].Value), "next")
}

// exactlyOnce moves numbers from one topic to another in a group's transactions, every third of which is aborted.
func exactlyOnce(ctx context.Context) {
	const count = 300
	from, to := "go-transactions-from", "go-transactions-to"
	defer topic(ctx, from, transactionPartitions)()
	defer topic(ctx, to, transactionPartitions)()
	p := client(kgo.DefaultProduceTopic(from), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	for i := range count {
		must("produce", p.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(i))).FirstErr())
	}
	p.Close()
	session, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(seed()), kgo.TransactionalID(from),
		kgo.ConsumerGroup(from), kgo.ConsumeTopics(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.RequireStableFetchOffsets(), kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	must("session", err)
	moved, rounds := 0, 0
	for moved < count {
		fetches := session.PollRecords(ctx, 20)
		must("poll", fetches.Err())
		must("begin", session.Begin())
		fetches.EachRecord(func(r *kgo.Record) {
			session.Produce(ctx, &kgo.Record{Topic: to, Value: r.Value}, nil)
		})
		rounds++
		committed, err := session.End(ctx, kgo.TransactionEndTry(rounds%3 != 0))
		must("end", err)
		if committed {
			moved += fetches.NumRecords()
		}
	}
	session.Close()
	r := committedReader(to)
	defer r.Close()
	seen := map[string]int{}
	for _, record := range read(ctx, r, count) {
		seen[string(record.Value)]++
	}
	check("each number once", len(seen), count)
}
