# Not built so far: no container engine was at hand where it was written. Each of its commands was run by hand, in the
# same order, on Debian 12 with Python 3.11.

FROM python:3.13-slim-bookworm AS builder
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev libpq-dev
WORKDIR /source
COPY requirements.lock requirements-dev.lock ./
# psycopg2 from source, as its authors advise for production: it uses the libpq and OpenSSL that Debian maintains.
RUN python -m venv /portico \
    && /portico/bin/pip install --no-cache-dir --require-hashes --no-binary psycopg2-binary -r requirements.lock
COPY . .
# What builds the package is locked too. It stays behind in this stage.
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements-dev.lock > build.lock \
    && python -m pip install --no-cache-dir --require-hashes --target /build -r build.lock \
    && PYTHONPATH=/build /portico/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
RUN apt-get update && apt-get install --yes --no-install-recommends libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /home/portico portico
COPY --from=builder /portico /portico
USER portico
WORKDIR /home/portico
ENV PATH=/portico/bin:$PATH PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
# Settings come from the environment (.env.example has them all); migrate first: `portico migrate up`.
CMD ["portico", "serve", "--host", "0.0.0.0"]
