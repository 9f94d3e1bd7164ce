-- Every decision about hosts: what was asked, of which fleet, and what came of it. A segment's first record
-- holds the whole fleet, each other one what is different from the record before; so whole segments go, the
-- oldest first, and nothing that is kept depends on one that went. A decision outlives its cluster, and that
-- of a cluster which was refused never had one: there is no reference.

CREATE TABLE placement_records (
    number       bigint PRIMARY KEY CHECK (number > 0),
    segment      bigint NOT NULL CHECK (segment > 0 AND segment <= number),
    at           timestamptz NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('create', 'scale', 'replace', 'repair')),
    cluster      uuid NOT NULL,
    cluster_name text NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('placed', 'refused')),
    summary      text NOT NULL,
    bytes        bigint NOT NULL CHECK (bytes >= 0),
    question     bytea NOT NULL,
    answer       bytea NOT NULL,
    fleet        bytea NOT NULL
);

CREATE INDEX placement_records_by_segment ON placement_records (segment, number);
CREATE INDEX placement_records_by_cluster ON placement_records (cluster, number);
CREATE INDEX placement_records_by_name ON placement_records (cluster_name, number);
