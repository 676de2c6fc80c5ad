-- +goose Up
-- Terms by which resources are found that may not be read here (docs/adr/0014): numbers
-- that whoever sets them makes of words with a key of their own. version is the resource's
-- that they were taken from: one older than the stored one changes nothing.
-- id rises with the time in the name, so that the index gives the newest first by itself.
-- Terms are eight hexadecimal digits each, with blanks between them.
CREATE TABLE search_terms (
  id           INTEGER PRIMARY KEY,
  organization TEXT NOT NULL,
  name         TEXT NOT NULL,
  version      BIGINT NOT NULL,
  terms        TEXT NOT NULL,
  UNIQUE (organization, name)
);

-- Which ids have a term. What is deleted leaves at once (secure-delete) and not when pages
-- are merged: the terms of an erased person are gone with the commit.
CREATE VIRTUAL TABLE search_index USING fts5 (terms, content = 'search_terms', content_rowid = 'id', detail = none, columnsize = 0, tokenize = 'ascii');
INSERT INTO search_index (search_index, rank) VALUES ('secure-delete', 1);

-- +goose StatementBegin
CREATE TRIGGER search_terms_set AFTER INSERT ON search_terms BEGIN
  INSERT INTO search_index (rowid, terms) VALUES (new.id, new.terms);
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER search_terms_changed AFTER UPDATE OF terms ON search_terms WHEN new.terms <> old.terms BEGIN
  INSERT INTO search_index (search_index, rowid, terms) VALUES ('delete', old.id, old.terms);
  INSERT INTO search_index (rowid, terms) VALUES (new.id, new.terms);
END;
-- +goose StatementEnd
