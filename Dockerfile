# An image of the tap, without a target: `docker build -t tap-sumeru .`
# To pin the base image too: `--build-arg PYTHON=python:3.13-slim@sha256:…`.
ARG PYTHON=python:3.13-slim
FROM $PYTHON AS build
WORKDIR /src
COPY build.lock runtime.lock ./
RUN python -m venv --without-pip /opt/tap \
    && pip install --no-cache-dir --require-hashes -r build.lock \
    && pip --python /opt/tap/bin/python install --no-cache-dir --require-hashes -r runtime.lock
COPY LICENSE README.md pyproject.toml ./
COPY pyspark_sumeru pyspark_sumeru
COPY schemas schemas
COPY sumeru_api sumeru_api
COPY sumeru_sandbox sumeru_sandbox
COPY tap_sumeru tap_sumeru
COPY target_sumeru target_sumeru
RUN pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir /dist . \
    && pip --python /opt/tap/bin/python install --no-cache-dir --no-deps /dist/*.whl

FROM $PYTHON
LABEL org.opencontainers.image.title="tap-sumeru" \
      org.opencontainers.image.description="Singer tap for the Sumeru v1 admin API." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/tap /opt/tap
# The tap writes only to standard output and, if configured, BATCH files, so any user works.
USER 10001:10001
WORKDIR /config
ENTRYPOINT ["/opt/tap/bin/tap-sumeru"]
