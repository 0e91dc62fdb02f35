#!/usr/bin/env bash
# franz-go: see go/admin.go.
exec "${COMPAT_GO:-$(dirname "$0")/../../.cache/go-scenarios}" admin
