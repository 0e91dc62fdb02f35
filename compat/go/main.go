// Scenarios with franz-go, which speaks the newest versions that a broker offers.
//
// usage: go-scenarios records|groups|admin|transactions; needs BOOTSTRAP=host:port.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const within = 30 * time.Second

var scenarios = map[string]func(context.Context){
	"records":      records,
	"groups":       groups,
	"admin":        admin,
	"transactions": transactions,
}

func main() {
	if len(os.Args) != 2 || scenarios[os.Args[1]] == nil || os.Getenv("BOOTSTRAP") == "" {
		fmt.Fprintln(os.Stderr, "usage: BOOTSTRAP=host:port go-scenarios records|groups|admin|transactions")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	scenarios[os.Args[1]](ctx)
}

// fail ends the scenario.
func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}

// must ends the scenario where a call that has to succeed did not.
func must(what string, err error) {
	if err != nil {
		fail("%s: %v", what, err)
	}
}

// check ends the scenario where the two differ.
func check[T comparable](what string, actual, expected T) {
	if actual != expected {
		fail("%s: %v, expected %v", what, actual, expected)
	}
	fmt.Println("ok:", what)
}

func seed() string { return os.Getenv("BOOTSTRAP") }

func client(options ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(seed())}, options...)...)
	must("client", err)
	return made
}

// topic creates a topic and returns what deletes it.
func topic(ctx context.Context, name string, partitions int32) func() {
	c := client()
	a := kadm.NewClient(c)
	_, err := a.CreateTopic(ctx, partitions, 1, nil, name)
	must("create "+name, err)
	return func() {
		_, err := a.DeleteTopic(ctx, name)
		must("delete "+name, err)
		c.Close()
	}
}

// read polls until it has that many records.
func read(ctx context.Context, c *kgo.Client, count int) []*kgo.Record {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	var all []*kgo.Record
	for len(all) < count {
		fetches := c.PollFetches(ctx)
		must(fmt.Sprintf("poll after %d records", len(all)), fetches.Err())
		all = append(all, fetches.Records()...)
	}
	return all
}
