# syntax=docker/dockerfile:1

# The demo.
FROM node:20.20.2-bookworm-slim AS demo
WORKDIR /demo
COPY web-demo/package.json web-demo/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web-demo/ ./
RUN npm run build

# The gateway. Dependencies are built from the manifest alone, so that this layer is kept
# until they change.
FROM rust:1.95.0-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs ./
COPY vendor ./vendor
RUN mkdir src && echo 'fn main() {}' > src/main.rs && echo > src/lib.rs \
    && cargo build --locked --release \
    && rm -rf src
COPY src ./src
COPY --from=demo /demo/dist ./web-demo/dist
# Which commit this is: there is no repository here.
ARG GIT_HASH
RUN touch build.rs src/main.rs src/lib.rs \
    && SWITCHBOARD_GIT_HASH="${GIT_HASH}" cargo build --locked --release

FROM debian:12.11-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin switchboard \
    && install --directory --owner=switchboard --mode=0750 /var/lib/switchboard
COPY --from=build /build/target/release/switchboard /usr/local/bin/switchboard
# By number, so that platforms can tell that it is not root.
USER 10001
ENV LOG_FORMAT=json
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["/usr/local/bin/switchboard", "health"]
ENTRYPOINT ["/usr/local/bin/switchboard"]
