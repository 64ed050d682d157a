# Greenroom in a container: built from source, run by a user without rights, its state in two volumes.
# The key has a volume of its own, since it must not lie beside the database that it opens.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package greenroom

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin greenroom \
    && install -d -m 0700 -o greenroom -g greenroom /data /keys
COPY --from=build /src/target/release/greenroom /usr/local/bin/greenroom

USER greenroom
WORKDIR /data
# The database is greenroom.db in the working directory unless DATABASE_URL says otherwise.
ENV GREENROOM_LISTEN=0.0.0.0:8040 \
    GREENROOM_KEY_FILE=/keys/greenroom.key
VOLUME ["/data", "/keys"]
EXPOSE 8040
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["greenroom", "healthcheck"]
ENTRYPOINT ["greenroom"]
CMD ["serve"]
