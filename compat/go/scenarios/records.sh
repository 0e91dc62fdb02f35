#!/usr/bin/env bash
# franz-go: see go/records.go.
exec "${COMPAT_GO:-$(dirname "$0")/../../.cache/go-scenarios}" records
