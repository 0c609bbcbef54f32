FROM python:3.13-slim AS build
COPY requirements.lock /
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --require-hashes --only-binary :all: --requirement /requirements.lock
COPY . /app
RUN rm /app/requirements.lock && python -m compileall -q /app && chmod -R a+rX /app

FROM python:3.13-slim
RUN groupadd --gid 10001 cpusensor \
 && useradd --uid 10001 --gid cpusensor --no-create-home --home-dir /data --shell /usr/sbin/nologin cpusensor \
 && install --directory --owner cpusensor --group cpusensor /data
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH \
    CPUSENSOR_HOST=0.0.0.0 \
    CPUSENSOR_DB=/data/cpusensor.db
WORKDIR /app
USER cpusensor
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# A probe costs the machine about 0.2 s of CPU, nearly all of it the engine's: seldom enough not to show in the record.
HEALTHCHECK --interval=120s --timeout=10s --start-period=20s --retries=2 CMD ["python", "-I", "-S", "/app/deploy/healthcheck.py"]
CMD ["python", "server.py"]
