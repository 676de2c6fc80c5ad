-- +goose Up
-- Tables of the journal (docs/adr/0001). Times are microseconds of the Unix epoch.
-- Where a table has other indexes its primary key comes last: of plans that look
-- equally cheap on a young table the planner takes the youngest index, and it
-- keeps a prepared plan while the table grows. For the same reason the other
-- indexes begin with a column that looking up by key does not give.
-- Pages of what is changed again and again are left part empty (fillfactor), so that a
-- new version finds room beside the old one and no index has to be told: changing a
-- clock cost 25 µs of CPU with full pages and 5 to 11 with these.
-- Names sort by byte (COLLATE "C"), as in SQLite and in Go: pages and locks rest on it.

-- Facts about the store itself: its id, its number of shards.
CREATE TABLE store_meta (
  key   TEXT COLLATE "C" PRIMARY KEY,
  value TEXT NOT NULL
);

-- Last event of each shard. Appending raises sequence in the same transaction, so that a shard has no gaps.
CREATE TABLE shard_heads (
  shard    BIGINT PRIMARY KEY,
  sequence BIGINT NOT NULL,
  digest   BYTEA NOT NULL
) WITH (fillfactor = 20);

-- Present state of every resource. base_version is the version that the last
-- transaction found: the compare of an upsert, which can see no other value.
CREATE TABLE resources (
  organization TEXT COLLATE "C" NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  kind         TEXT COLLATE "C" NOT NULL,
  shard        BIGINT NOT NULL,
  parent       TEXT COLLATE "C" NOT NULL,
  complaint    TEXT COLLATE "C" NOT NULL,
  version      BIGINT NOT NULL,
  base_version BIGINT NOT NULL,
  state        BYTEA NOT NULL,
  attributes   TEXT NOT NULL,
  digest       BYTEA NOT NULL,
  create_time  BIGINT NOT NULL,
  update_time  BIGINT NOT NULL
) WITH (fillfactor = 60);
CREATE INDEX resources_by_kind ON resources (kind, organization, name);
CREATE INDEX resources_by_parent ON resources (parent, kind, organization, name) WHERE parent <> '';
ALTER TABLE resources ADD PRIMARY KEY (organization, name);

-- Values one may search resources by: term is a hash of organisation, kind, attribute and value. The row's
-- attributes say whether it is meant.
CREATE TABLE resource_index (
  term BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (term, name)
);

-- The append-only log: audit trail, outbox and timeline in one.
CREATE TABLE events (
  shard           BIGINT NOT NULL,
  sequence        BIGINT NOT NULL,
  organization    TEXT COLLATE "C" NOT NULL,
  resource        TEXT COLLATE "C" NOT NULL,
  version         BIGINT NOT NULL,
  complaint       TEXT COLLATE "C" NOT NULL,
  type            TEXT COLLATE "C" NOT NULL,
  record_time     BIGINT NOT NULL,
  body            BYTEA NOT NULL,
  previous_digest BYTEA NOT NULL,
  digest          BYTEA NOT NULL,
  cause_service   TEXT COLLATE "C" NOT NULL,
  cause_shard     BIGINT NOT NULL,
  cause_sequence  BIGINT NOT NULL,
  cause_digest    BYTEA NOT NULL,
  depth           BIGINT NOT NULL,
  PRIMARY KEY (shard, sequence)
);
CREATE UNIQUE INDEX events_by_resource ON events (organization, resource, version);

-- Requests that succeeded, so that they can be repeated. expire_time is NULL for ever.
CREATE TABLE requests (
  organization TEXT COLLATE "C" NOT NULL,
  principal    TEXT COLLATE "C" NOT NULL,
  method       TEXT COLLATE "C" NOT NULL,
  request_id   TEXT COLLATE "C" NOT NULL,
  digest       BYTEA NOT NULL,
  resource     TEXT COLLATE "C" NOT NULL,
  version      BIGINT NOT NULL,
  create_time  BIGINT NOT NULL,
  expire_time  BIGINT,
  PRIMARY KEY (organization, principal, method, request_id)
);
CREATE INDEX requests_by_expiry ON requests (expire_time) WHERE expire_time IS NOT NULL;

-- Sums, counts and serial numbers over more than one resource. revision is compared at every write.
CREATE TABLE tallies (
  organization TEXT COLLATE "C" NOT NULL,
  key          TEXT COLLATE "C" NOT NULL,
  revision     BIGINT NOT NULL,
  value        BYTEA NOT NULL,
  PRIMARY KEY (organization, key)
) WITH (fillfactor = 50);

-- Resources of other services as last heard of. revision is compared at every write.
CREATE TABLE projections (
  organization TEXT COLLATE "C" NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  kind         TEXT COLLATE "C" NOT NULL,
  version      BIGINT NOT NULL,
  revision     BIGINT NOT NULL,
  state        BYTEA NOT NULL,
  attributes   TEXT NOT NULL,
  update_time  BIGINT NOT NULL
) WITH (fillfactor = 60);
CREATE INDEX projections_by_kind ON projections (kind, organization, name);
ALTER TABLE projections ADD PRIMARY KEY (organization, name);

-- Values one may search projections by, as resource_index.
CREATE TABLE projection_index (
  term BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (term, name)
);

-- What fires when. The truth behind the timer index.
CREATE TABLE timers (
  organization TEXT COLLATE "C" NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  shard        BIGINT NOT NULL,
  fire_time    BIGINT NOT NULL,
  generation   BIGINT NOT NULL
);
CREATE INDEX timers_by_time ON timers (fire_time);
CREATE INDEX timers_by_shard ON timers (shard, fire_time);
ALTER TABLE timers ADD PRIMARY KEY (organization, name);

-- How far the events of other services have been applied. base_sequence: as resources.base_version.
CREATE TABLE feed_positions (
  source        TEXT COLLATE "C" NOT NULL,
  shard         BIGINT NOT NULL,
  sequence      BIGINT NOT NULL,
  base_sequence BIGINT NOT NULL,
  digest        BYTEA NOT NULL,
  PRIMARY KEY (source, shard)
) WITH (fillfactor = 20);

-- Who works on what for the moment. It spreads work and makes nothing right.
CREATE TABLE feed_leases (
  name        TEXT COLLATE "C" PRIMARY KEY,
  holder      TEXT NOT NULL,
  expire_time BIGINT NOT NULL
);

-- Events that wait for an operator, whole.
CREATE TABLE parked_events (
  source       TEXT COLLATE "C" NOT NULL,
  shard        BIGINT NOT NULL,
  sequence     BIGINT NOT NULL,
  organization TEXT COLLATE "C" NOT NULL,
  complaint    TEXT COLLATE "C" NOT NULL,
  type         TEXT COLLATE "C" NOT NULL,
  reason       TEXT COLLATE "C" NOT NULL,
  waits        BIGINT NOT NULL,
  park_time    BIGINT NOT NULL,
  event        BYTEA NOT NULL
);
CREATE INDEX parked_events_by_complaint ON parked_events (complaint, organization);
ALTER TABLE parked_events ADD PRIMARY KEY (source, shard, sequence);
