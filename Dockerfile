# syntax=docker/dockerfile:1
#
#   docker build -t tgferry .
#   docker run -it --rm -v tgferry-sessions:/var/lib/tgferry/sessions --env-file tgferry.env tgferry login
#   docker run -d --restart unless-stopped -v tgferry-data:/var/lib/tgferry/data \
#       -v tgferry-sessions:/var/lib/tgferry/sessions --env-file tgferry.env tgferry

# The program. Bookworm on both sides: it links the FFmpeg libraries of the distribution.
FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        clang libclang-dev pkg-config \
        libavcodec-dev libavfilter-dev libavformat-dev libavutil-dev libswresample-dev libswscale-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package tgferry --bin tgferry \
    && install -D target/release/tgferry /out/tgferry \
    && strip /out/tgferry

# yt-dlp and its JavaScript runtime. Same distribution and same path as below, because a venv knows both.
FROM debian:bookworm-slim AS python
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY scripts/requirements.txt /requirements.txt
RUN python3 -m venv /opt/yt-dlp \
    && /opt/yt-dlp/bin/pip install --no-cache-dir --requirement /requirements.txt

FROM debian:bookworm-slim
# ffmpeg brings the libraries that the program links, and is what yt-dlp joins streams with. tini ends what a killed child leaves behind.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates ffmpeg python3 tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 tgferry \
    && useradd --system --uid 10001 --gid tgferry --home-dir /var/lib/tgferry --shell /usr/sbin/nologin tgferry \
    && install -d -o tgferry -g tgferry -m 0750 /var/lib/tgferry /var/lib/tgferry/data \
    && install -d -o tgferry -g tgferry -m 0700 /var/lib/tgferry/sessions
COPY --from=python /opt/yt-dlp /opt/yt-dlp
COPY --from=build /out/tgferry /usr/local/bin/tgferry
ENV PATH=/opt/yt-dlp/bin:/usr/local/bin:/usr/bin:/bin
USER 10001:10001
# Relative paths of the configuration (data/, sessions/) begin here.
WORKDIR /var/lib/tgferry
VOLUME ["/var/lib/tgferry/data", "/var/lib/tgferry/sessions"]
# The daemon ends its work within 10 s of SIGTERM; docker waits 10 s by default, so: docker stop --time 15
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=20s --start-period=30s --retries=3 CMD ["tgferry", "doctor", "--quick"]
ENTRYPOINT ["tini", "--", "tgferry"]
CMD ["run"]
