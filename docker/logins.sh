#!/bin/bash
# Run once by the database image, at its first start: the owner, for migrations, and the two logins that serve, each a member of only
# its role. PostGIS is no trusted extension, so the superuser puts it in.
set -euo pipefail
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d "${POSTGRES_DB:-postgres}" \
  -v owner="$OWNER_PASSWORD" -v api="$API_PASSWORD" -v prober="$PROBER_PASSWORD" -v db="${POSTGRES_DB:-postgres}" <<'SQL'
create extension if not exists postgis;
create role sightline_api nologin;
create role sightline_prober nologin;
create role sightline login password :'owner';
create role sightline_api_login login password :'api' in role sightline_api;
create role sightline_prober_login login password :'prober' in role sightline_prober;
alter database :"db" owner to sightline;
grant all on schema public to sightline;
SQL
