-- Which catalogue is in force is asked of the journal itself: few entries are references.
CREATE INDEX entries_reference ON entries (position) WHERE kind = 'reference';
