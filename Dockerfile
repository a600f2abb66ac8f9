# The operator's image, for those who have a container engine; `cargo xtask image` makes one without.
# Build it at the top of a checkout: docker build --tag tokenwright-operator .

FROM rust:1.95-alpine AS build
# C for the cryptography and for what gives memory back.
RUN apk add --no-cache make musl-dev
# The compiler of this image, whatever rust-toolchain.toml would have rustup fetch beside it.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /tokenwright
COPY . .
RUN cargo build --locked --profile dist --package tokenwright-operator

FROM alpine:3 AS around
RUN apk add --no-cache ca-certificates tzdata

FROM scratch
COPY --from=around /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=around /usr/share/zoneinfo /usr/share/zoneinfo
COPY --from=build /tokenwright/target/dist/tokenwright-operator /tokenwright-operator
# Nobody who has a name on the node.
USER 65532:65532
ENTRYPOINT ["/tokenwright-operator"]
