#!/usr/bin/env bash
# kafka-configs for users, clients and addresses: quotas and SCRAM credentials; kafka-acls and kafka-delegation-tokens without security.
. "$(dirname "$0")/../../lib.sh"
configs() { run kafka-configs.sh --bootstrap-server "$BOOTSTRAP" "$@"; }
alter() { configs --alter "$@"; }
describe() { configs --describe "$@"; }
for kind in users clients ips; do describe --entity-type $kind; done
alter --entity-type users --entity-name u --add-config producer_byte_rate=1000000000
alter --entity-type users --entity-default --add-config request_percentage=12345.5
alter --entity-type users --entity-name u --entity-type clients --entity-default --add-config controller_mutation_rate=500.5
alter --entity-type clients --entity-name c --add-config consumer_byte_rate=999999999
alter --entity-type clients --entity-default --add-config consumer_byte_rate=999999998
alter --entity-type ips --entity-name 10.1.1.1 --add-config connection_creation_rate=5
alter --entity-type ips --entity-default --add-config connection_creation_rate=50000
for kind in users clients ips; do run_sorted kafka-configs.sh --bootstrap-server "$BOOTSTRAP" --describe --entity-type $kind; done
describe --entity-type users --entity-type clients
describe --entity-type users --entity-name u
describe --entity-type users --entity-name u --entity-type clients --entity-default
describe --entity-type clients --entity-name c
describe --entity-type clients --entity-default
describe --entity-type ips --entity-name 10.1.1.1
describe --entity-type clients --entity-name nobody
# Refused by the tool or by the broker.
alter --entity-type clients --entity-name c --add-config nonsense=99
alter --entity-type clients --entity-name c --add-config producer_byte_rate=-1
alter --entity-type clients --entity-name c --add-config producer_byte_rate=1.5
alter --entity-type clients --entity-name c --add-config connection_creation_rate=1
alter --entity-type ips --entity-name no.such.host.invalid --add-config connection_creation_rate=5
alter --entity-type ips --entity-name 10.1.1.1 --add-config producer_byte_rate=5
alter --entity-type users --entity-name u --delete-config never_set
alter --entity-type users --entity-name u --delete-config producer_byte_rate
alter --entity-type users --entity-default --delete-config request_percentage
alter --entity-type users --entity-name u --entity-type clients --entity-default --delete-config controller_mutation_rate
alter --entity-type clients --entity-name c --delete-config consumer_byte_rate
alter --entity-type clients --entity-default --delete-config consumer_byte_rate
alter --entity-type ips --entity-name 10.1.1.1 --delete-config connection_creation_rate
alter --entity-type ips --entity-default --delete-config connection_creation_rate
for kind in users clients ips; do describe --entity-type $kind; done

alter --entity-type users --entity-name alice --add-config 'SCRAM-SHA-256=[iterations=8192,password=secret]'
alter --entity-type users --entity-name alice --add-config 'SCRAM-SHA-512=[password=secret]'
describe --entity-type users --entity-name alice
alter --entity-type users --entity-name alice --add-config 'SCRAM-SHA-256=[password=a],SCRAM-SHA-512=[password=b]'
alter --entity-type users --entity-name alice --add-config 'SCRAM-SHA-256=[iterations=1,password=a]'
alter --entity-type users --entity-name alice --delete-config SCRAM-SHA-512
alter --entity-type users --entity-name alice --delete-config SCRAM-SHA-512
describe --entity-type users
alter --entity-type users --entity-name alice --delete-config SCRAM-SHA-256
describe --entity-type users --entity-name alice

acls() { run kafka-acls.sh --bootstrap-server "$BOOTSTRAP" "$@"; }
acls --list
acls --add --allow-principal User:a --operation read --topic t
acls --remove --force --allow-principal User:a --operation read --topic t
tokens() { run kafka-delegation-tokens.sh --bootstrap-server "$BOOTSTRAP" --command-config /dev/null "$@"; }
tokens --create --max-life-time-period -1
tokens --describe
tokens --renew --renew-time-period -1 --hmac aGVsbG8=
tokens --expire --expiry-time-period -1 --hmac aGVsbG8=
