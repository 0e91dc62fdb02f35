#!/usr/bin/env bash
# franz-go: see go/groups.go.
exec "${COMPAT_GO:-$(dirname "$0")/../../.cache/go-scenarios}" groups
