-- +goose Up
-- Tables of the journal (docs/adr/0001). Times are microseconds of the Unix epoch.
-- Small rows live in their primary key (WITHOUT ROWID).
-- Names sort by byte, as in Go: pages rest on it.

-- Facts about the store itself: its id, its number of shards.
CREATE TABLE store_meta (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- Last event of each shard. Appending raises sequence in the same transaction, so that a shard has no gaps.
CREATE TABLE shard_heads (
  shard    BIGINT PRIMARY KEY,
  sequence BIGINT NOT NULL,
  digest   BLOB NOT NULL
) WITHOUT ROWID;

-- Present state of every resource. base_version is the version that the last
-- transaction found: the compare of an upsert, which can see no other value.
CREATE TABLE resources (
  organization TEXT NOT NULL,
  name         TEXT NOT NULL,
  kind         TEXT NOT NULL,
  shard        BIGINT NOT NULL,
  parent       TEXT NOT NULL,
  complaint    TEXT NOT NULL,
  version      BIGINT NOT NULL,
  base_version BIGINT NOT NULL,
  state        BLOB NOT NULL,
  attributes   TEXT NOT NULL,
  digest       BLOB NOT NULL,
  create_time  BIGINT NOT NULL,
  update_time  BIGINT NOT NULL,
  PRIMARY KEY (organization, name)
);
CREATE INDEX resources_by_kind ON resources (kind, organization, name);
CREATE INDEX resources_by_parent ON resources (parent, kind, organization, name) WHERE parent <> '';

-- Values one may search resources by: term is a hash of organisation, kind, attribute and value. The row's
-- attributes say whether it is meant.
CREATE TABLE resource_index (
  term BIGINT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (term, name)
) WITHOUT ROWID;

-- The append-only log: audit trail, outbox and timeline in one.
CREATE TABLE events (
  shard           BIGINT NOT NULL,
  sequence        BIGINT NOT NULL,
  organization    TEXT NOT NULL,
  resource        TEXT NOT NULL,
  version         BIGINT NOT NULL,
  complaint       TEXT NOT NULL,
  type            TEXT NOT NULL,
  record_time     BIGINT NOT NULL,
  body            BLOB NOT NULL,
  previous_digest BLOB NOT NULL,
  digest          BLOB NOT NULL,
  cause_service   TEXT NOT NULL,
  cause_shard     BIGINT NOT NULL,
  cause_sequence  BIGINT NOT NULL,
  cause_digest    BLOB NOT NULL,
  depth           BIGINT NOT NULL,
  PRIMARY KEY (shard, sequence)
);
CREATE UNIQUE INDEX events_by_resource ON events (organization, resource, version);

-- Requests that succeeded, so that they can be repeated. expire_time is NULL for ever.
CREATE TABLE requests (
  organization TEXT NOT NULL,
  principal    TEXT NOT NULL,
  method       TEXT NOT NULL,
  request_id   TEXT NOT NULL,
  digest       BLOB NOT NULL,
  resource     TEXT NOT NULL,
  version      BIGINT NOT NULL,
  create_time  BIGINT NOT NULL,
  expire_time  BIGINT,
  PRIMARY KEY (organization, principal, method, request_id)
) WITHOUT ROWID;
CREATE INDEX requests_by_expiry ON requests (expire_time) WHERE expire_time IS NOT NULL;

-- Sums, counts and serial numbers over more than one resource. revision is compared at every write.
CREATE TABLE tallies (
  organization TEXT NOT NULL,
  key          TEXT NOT NULL,
  revision     BIGINT NOT NULL,
  value        BLOB NOT NULL,
  PRIMARY KEY (organization, key)
) WITHOUT ROWID;

-- Resources of other services as last heard of. revision is compared at every write.
CREATE TABLE projections (
  organization TEXT NOT NULL,
  name         TEXT NOT NULL,
  kind         TEXT NOT NULL,
  version      BIGINT NOT NULL,
  revision     BIGINT NOT NULL,
  state        BLOB NOT NULL,
  attributes   TEXT NOT NULL,
  update_time  BIGINT NOT NULL,
  PRIMARY KEY (organization, name)
);
CREATE INDEX projections_by_kind ON projections (kind, organization, name);

-- Values one may search projections by, as resource_index.
CREATE TABLE projection_index (
  term BIGINT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (term, name)
) WITHOUT ROWID;

-- What fires when. The truth behind the timer index.
CREATE TABLE timers (
  organization TEXT NOT NULL,
  name         TEXT NOT NULL,
  shard        BIGINT NOT NULL,
  fire_time    BIGINT NOT NULL,
  generation   BIGINT NOT NULL,
  PRIMARY KEY (organization, name)
) WITHOUT ROWID;
CREATE INDEX timers_by_time ON timers (fire_time);
CREATE INDEX timers_by_shard ON timers (shard, fire_time);

-- How far the events of other services have been applied. base_sequence: as resources.base_version.
CREATE TABLE feed_positions (
  source        TEXT NOT NULL,
  shard         BIGINT NOT NULL,
  sequence      BIGINT NOT NULL,
  base_sequence BIGINT NOT NULL,
  digest        BLOB NOT NULL,
  PRIMARY KEY (source, shard)
) WITHOUT ROWID;

-- Who works on what for the moment. It spreads work and makes nothing right.
CREATE TABLE feed_leases (
  name        TEXT PRIMARY KEY,
  holder      TEXT NOT NULL,
  expire_time BIGINT NOT NULL
) WITHOUT ROWID;

-- Events that wait for an operator, whole.
CREATE TABLE parked_events (
  source       TEXT NOT NULL,
  shard        BIGINT NOT NULL,
  sequence     BIGINT NOT NULL,
  organization TEXT NOT NULL,
  complaint    TEXT NOT NULL,
  type         TEXT NOT NULL,
  reason       TEXT NOT NULL,
  waits        BIGINT NOT NULL,
  park_time    BIGINT NOT NULL,
  event        BLOB NOT NULL,
  PRIMARY KEY (source, shard, sequence)
);
CREATE INDEX parked_events_by_complaint ON parked_events (complaint, organization);
