# The image in the place of apache/kafka: the same volumes, ports, environment variables and scripts.
#
#   docker build -t klamm .
#   docker run -p 9092:9092 klamm
#
# Kafka's own command-line tools are Java programs and not in it, kafka-storage.sh and kafka-server-start.sh excepted,
# which are klamm under another name. A health check that ran kafka-topics.sh can run `nc -z localhost 9092`, or ask
# http://localhost:9404/healthz.
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
# RocksDB is C++, whose headers bindgen reads with libclang; raft's messages need protoc.
RUN apt-get update && apt-get install -y --no-install-recommends clang libclang-dev protobuf-compiler && rm -rf /var/lib/apt/lists/*
WORKDIR /klamm
COPY . .
RUN cargo build --release --locked --bin klamm

FROM ${BASE_IMAGE}
# Test frameworks write start scripts into the container and patch the ones that are there: they need bash, sed and nc.
RUN apt-get update \
    && apt-get install -y --no-install-recommends bash sed grep coreutils hostname netcat-openbsd libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home --shell /bin/bash appuser

COPY --from=build /klamm/target/release/klamm /usr/local/bin/klamm
COPY config/container/run config/container/configure config/container/configureDefaults config/container/launch \
     config/container/bash-config config/container/server.properties /etc/kafka/docker/
COPY config/container/bin/ /opt/kafka/bin/
COPY config/server.properties /opt/kafka/config/server.properties

# Writable for whoever the container runs as.
RUN mkdir -p /etc/kafka/secrets /var/lib/kafka/data /mnt/shared/config /opt/kafka/config /opt/kafka/logs \
    && chown -R appuser:root /etc/kafka /opt/kafka /var/lib/kafka /mnt/shared/config \
    && chmod -R ugo+w /etc/kafka /opt/kafka /var/lib/kafka /mnt/shared/config \
    && chmod 755 /etc/kafka/docker/run /etc/kafka/docker/configure /etc/kafka/docker/configureDefaults \
       /etc/kafka/docker/launch /opt/kafka/bin/*.sh

ENV LANG=C.UTF-8
WORKDIR /
EXPOSE 9092
VOLUME ["/etc/kafka/secrets", "/var/lib/kafka/data", "/mnt/shared/config"]
USER appuser
STOPSIGNAL SIGTERM
CMD ["/etc/kafka/docker/run"]
