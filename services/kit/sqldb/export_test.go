package sqldb

// Many is the statement's text for any number of rows on PostgreSQL.
func (s *Statement) Many() string { return s.many }
