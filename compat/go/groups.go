package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const groupPartitions = 4

// member joins a group and keeps polling in the background until stopped.
type member struct {
	client *kgo.Client
	cancel context.CancelFunc
	done   chan struct{}
}

func join(ctx context.Context, name string, balancer kgo.GroupBalancer) *member {
	ctx, cancel := context.WithCancel(ctx)
	m := &member{cancel: cancel, done: make(chan struct{}), client: client(
		kgo.ConsumerGroup(name), kgo.ConsumeTopics(name), kgo.Balancers(balancer),
		kgo.SessionTimeout(6*time.Second), kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.AutoCommitInterval(200*time.Millisecond))}
	go func() {
		defer close(m.done)
		for ctx.Err() == nil {
			m.client.PollFetches(ctx)
		}
	}()
	return m
}

func (m *member) leave() {
	m.cancel()
	<-m.done
	m.client.Close()
}

// groups shares partitions among members that come and go, eagerly and cooperatively.
func groups(ctx context.Context) {
	rebalance(ctx, "go-groups-range", kgo.RangeBalancer())
	rebalance(ctx, "go-groups-cooperative", kgo.CooperativeStickyBalancer())
}

func rebalance(ctx context.Context, name string, balancer kgo.GroupBalancer) {
	defer topic(ctx, name, groupPartitions)()
	p := client(kgo.DefaultProduceTopic(name), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	defer p.Close()
	for i := range 100 {
		must("produce", p.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint(i))).FirstErr())
	}
	a := kadm.NewClient(p)
	first := join(ctx, name, balancer)
	waitForShares(ctx, a, name, groupPartitions)
	second := join(ctx, name, balancer)
	waitForShares(ctx, a, name, 2, 2)
	second.leave()
	waitForShares(ctx, a, name, groupPartitions)
	waitFor(name+": all committed", func() bool {
		offsets, err := a.FetchOffsets(ctx, name)
		sum := int64(0)
		offsets.Each(func(o kadm.OffsetResponse) { sum += o.At })
		return err == nil && sum == 100
	})
	first.leave()
	waitFor(name+": empty", func() bool {
		described, err := a.DescribeGroups(ctx, name)
		return err == nil && described[name].State == "Empty"
	})
	deleted, err := a.DeleteGroup(ctx, name)
	must("delete group", err)
	must("delete group", deleted.Err)
}

// waitForShares waits until the group is stable and its members own that many partitions each.
func waitForShares(ctx context.Context, a *kadm.Client, name string, shares ...int) {
	waitFor(fmt.Sprint(name, ": shared as ", shares), func() bool {
		described, err := a.DescribeGroups(ctx, name)
		if err != nil || described[name].State != "Stable" || len(described[name].Members) != len(shares) {
			return false
		}
		for i, m := range described[name].Members {
			assigned, ok := m.Assigned.AsConsumer()
			if !ok || len(assigned.Topics) != 1 || len(assigned.Topics[0].Partitions) != shares[i] {
				return false
			}
		}
		return true
	})
}

func waitFor(what string, done func() bool) {
	for end := time.Now().Add(within); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			fail("waited in vain: %s", what)
		}
	}
	fmt.Println("ok:", what)
}
