-- +goose Up
-- Terms by which resources are found that may not be read here (docs/adr/0014): numbers
-- that whoever sets them makes of words with a key of their own. version is the resource's
-- that they were taken from: one older than the stored one changes nothing.
-- A query that names common terms walks the primary key, one of rare terms takes the other
-- index. What has been written lately waits there in a list that every search reads whole:
-- it is kept short.
CREATE TABLE search_terms (
  organization TEXT COLLATE "C" NOT NULL,
  name         TEXT COLLATE "C" NOT NULL,
  version      BIGINT NOT NULL,
  terms        INTEGER[] NOT NULL
);
CREATE INDEX search_terms_by_term ON search_terms USING gin (terms) WITH (gin_pending_list_limit = 256);
ALTER TABLE search_terms ADD PRIMARY KEY (organization, name);
