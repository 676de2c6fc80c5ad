-- +goose Up
-- Terms are looked up within periods, so that a word that many resources have, but not the
-- youngest, is found without reading all of them (docs/adr/0014). The index has no order;
-- a period is how an id begins, which in a UUIDv7 is its time: the longest ones are 4 s,
-- every digit less is sixteen times as long. The database makes them itself, for rows of
-- earlier versions too: the table is written anew once.
ALTER TABLE search_terms ADD COLUMN periods TEXT[] COLLATE "C" NOT NULL GENERATED ALWAYS AS (ARRAY[
  substr(right(name, 36), 1, 3), substr(right(name, 36), 1, 4), substr(right(name, 36), 1, 5), substr(right(name, 36), 1, 6),
  substr(right(name, 36), 1, 7), substr(right(name, 36), 1, 8), substr(right(name, 36), 1, 10)]) STORED;
DROP INDEX search_terms_by_term;
CREATE INDEX search_terms_by_term ON search_terms USING gin (terms, periods) WITH (gin_pending_list_limit = 256);
