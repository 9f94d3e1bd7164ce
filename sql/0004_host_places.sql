-- Where a host stands and what its operator calls it: placement may ask for it. Labels are key and value
-- in turn, sorted by key.

ALTER TABLE hosts
    ADD room text NOT NULL DEFAULT '' CHECK (length(room) <= 32),
    ADD labels text[] NOT NULL DEFAULT '{}' CHECK (cardinality(labels) <= 32 AND cardinality(labels) % 2 = 0);
