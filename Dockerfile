# The production image: run-time dependencies only, at the versions of the lock file.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/idp
COPY requirements.lock ./
COPY pyproject.toml README.md LICENSE ./
COPY policy ./policy
COPY connectors ./connectors
COPY idp ./idp
RUN /opt/idp/bin/pip install --no-cache-dir --constraint requirements.lock '.[ldap]'

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin idp \
 && install -d -o idp -g idp -m 0700 /data
COPY --from=build /opt/idp /opt/idp
ENV PATH=/opt/idp/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    IDP_CONFIG=/data/config.toml
USER idp
WORKDIR /data
VOLUME /data
EXPOSE 8080
# SIGTERM lets running requests finish.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8080), 3).close()"]
ENTRYPOINT ["idp"]
CMD ["serve"]
