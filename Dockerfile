FROM python:3.13-slim AS build
WORKDIR /app
COPY requirements.lock requirements-push.lock /
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --no-compile --require-hashes --only-binary :all: \
      --requirement /requirements.lock --requirement /requirements-push.lock
COPY . .
# The bytecode of all that is imported, the standard library's too, of which the base brings none: without it each start,
# and each probe, would compile it anew.
RUN rm requirements.lock requirements-push.lock && chmod -R a+rX . && install --directory --owner 10001 --group 10001 /data \
 && PYTHONPYCACHEPREFIX=/venv/pycache /venv/bin/python -c 'import server, ssl, tomllib, cpusensor.check.command, cpusensor.healthcheck'

FROM python:3.13-slim
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /data /data
ENV PATH=/venv/bin:$PATH \
    PYTHONPYCACHEPREFIX=/venv/pycache \
    CPUSENSOR_HOST=0.0.0.0 \
    CPUSENSOR_DB=/data/cpusensor.db
WORKDIR /app
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# A probe costs the machine 0.1 to 0.25 s of CPU, most of it the engine's: seldom enough not to show in the record. An
# interval of its own for the start would need Docker 25.
HEALTHCHECK --interval=120s --timeout=10s --start-period=20s --retries=2 CMD ["python", "-S", "-m", "cpusensor.healthcheck"]
CMD ["python", "server.py"]
