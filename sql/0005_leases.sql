-- What a cluster asks of where its nodes go, until when it stays, and when a host is its owner's alone. A row
-- from before asks for nothing and stays; its host is always free for guests.

ALTER TABLE clusters
    ADD strategy text NOT NULL DEFAULT 'spread' CHECK (strategy IN ('spread', 'pack')),
    ADD apart boolean NOT NULL DEFAULT false,
    ADD survive text NOT NULL DEFAULT 'nothing' CHECK (survive IN ('nothing', 'host', 'room', 'site')),
    ADD until timestamptz;

ALTER TABLE node_pools
    ADD rooms text[] NOT NULL DEFAULT '{}' CHECK (cardinality(rooms) <= 64),
    ADD labels text[] NOT NULL DEFAULT '{}' CHECK (cardinality(labels) <= 16),
    ADD classes text[] NOT NULL DEFAULT '{}' CHECK (classes <@ ARRAY['anchor', 'scavenged']);

-- A window is busy_from[i] to busy_until[i]; sorted, and apart from each other.
ALTER TABLE hosts
    ADD busy_from timestamptz[] NOT NULL DEFAULT '{}',
    ADD busy_until timestamptz[] NOT NULL DEFAULT '{}',
    ADD CHECK (cardinality(busy_from) = cardinality(busy_until) AND cardinality(busy_from) <= 64);
