# One image for web, consoles, worker and beat; docker-compose.yml gives each its command.

FROM node:22-bookworm-slim AS browser
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev

FROM python:3.11-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev libldap2-dev libsasl2-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt requirements-tools.txt ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements-tools.txt \
    && /venv/bin/uv pip install --no-cache --python /venv/bin/python --require-hashes -r requirements.txt
COPY . .
COPY --from=browser /app/node_modules node_modules
# The fixed list of browser files, then static files with hashed names. The key is for this command only.
RUN python -c "from scripts import browser_libraries as b; b.copy(b.FILES)" \
    && rm -rf node_modules \
    && SITE_URL=http://localhost SECRET_KEY=used-while-the-image-is-built-and-never-again STATIC_ROOT=/app/build/static \
       VMPORTAL_ROLE=web /venv/bin/python manage.py collectstatic --no-input

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends libldap-2.5-0 libsasl2-2 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home portal
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STATIC_ROOT=/app/build/static DATA_DIR=/tmp/data
USER portal
EXPOSE 8000
CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "vmportal.asgi:application"]
