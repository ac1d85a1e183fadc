# Beseda with ffmpeg, as an ordinary user. Any Debian with Python 3.11 or newer will do as the base. For builds that can be
# repeated, name it by digest: --build-arg BASE=docker.io/library/python:3.12-slim@sha256:… (`docker buildx imagetools
# inspect python:3.12-slim` prints it).
ARG BASE=docker.io/library/python:3.12-slim

FROM ${BASE} AS build
WORKDIR /app
COPY requirements.lock ./
# The image has Debian's ffmpeg: the 165 MB that imageio-ffmpeg carries for machines without one stay out.
RUN python3 -m venv /opt/venv \
    && sed '/^imageio-ffmpeg==/,/[^\\]$/d' requirements.lock > image.lock \
    && /opt/venv/bin/pip install --no-cache-dir --no-compile --require-hashes --requirement image.lock
COPY pyproject.toml README.md LICENSE ./
COPY scripts/build_hook.py scripts/
COPY migrations migrations
COPY beseda beseda
COPY botapi_sandbox botapi_sandbox
RUN /opt/venv/bin/pip install --no-cache-dir --no-compile --no-deps --no-build-isolation . \
    && /opt/venv/bin/pip uninstall --quiet --yes hatchling editables pip \
    && python3 -m compileall -q -j 0 /opt/venv/lib

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Beseda" \
      org.opencontainers.image.description="A self-hosted platform for AI bots on Telegram" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg ca-certificates tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data beseda \
    && install -d -m 700 -o beseda -g beseda /data
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 STORAGE_DIR=/data
WORKDIR /data
USER beseda
VOLUME /data
EXPOSE 8090
# /health and not /ready: a restart does not bring back a database that is away.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8090/health', timeout=4)"]
# A container's own loopback is nobody else's: it listens on all of its addresses, and what is published decides.
# tini reaps orphaned processes; -s because an engine with an init of its own is process 1 then.
ENTRYPOINT ["tini", "-s", "--", "beseda"]
CMD ["run", "--host", "0.0.0.0", "--no-sandbox"]
