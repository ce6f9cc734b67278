# The scheduled service in a container: docker build -t newsletter . && docker run -p 8080:8080 -v newsletter:/data newsletter
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
COPY newsletter newsletter
COPY templates templates
COPY config config
RUN python -m venv /opt/newsletter \
 && /opt/newsletter/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[fleet]' \
 && /opt/newsletter/bin/pip uninstall --yes --quiet pip

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --home-dir /data newsletter \
 && install -d -o newsletter -g newsletter /data
COPY --from=build /opt/newsletter /opt/newsletter
ENV PATH=/opt/newsletter/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    NEWSLETTER_PATHS__STATE=/data/state \
    NEWSLETTER_PATHS__CACHE=/data/cache
USER newsletter
WORKDIR /data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["python", "-I", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
CMD ["newsletter", "run", "--host", "0.0.0.0", "--port", "8080"]
