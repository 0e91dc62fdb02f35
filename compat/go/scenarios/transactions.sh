#!/usr/bin/env bash
# franz-go: see go/transactions.go.
exec "${COMPAT_GO:-$(dirname "$0")/../../.cache/go-scenarios}" transactions
