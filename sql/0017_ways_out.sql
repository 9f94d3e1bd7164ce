-- Every stuck state has a way out: hosts that are given up, removals that nobody waits for, operations that are cancelled,
-- nodes that are switched off, leases that switch off before they delete, and what is shown of hosts and guests is fresh.

-- Deadlines are points of a steady clock (microseconds), which nobody sets as one sets a date. It begins at the date when a
-- control node starts, so that what another one wrote down means about the same.
ALTER TABLE nodes
    ADD deadline_us bigint,
    ADD served boolean NOT NULL DEFAULT false,
    ADD power text NOT NULL DEFAULT 'on' CHECK (power IN ('on', 'off', 'shut-down', 'lapsed')),
    ADD restart bigint NOT NULL DEFAULT 0 CHECK (restart >= 0),
    ADD guest_boot uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    ADD not_ready boolean NOT NULL DEFAULT false,
    DROP CONSTRAINT nodes_state_check,  -- the next line takes its place, with two states more
    ADD CONSTRAINT nodes_state_check CHECK (state IN ('pending', 'creating', 'booting', 'ready', 'unknown', 'failed',
                                                      'deleting', 'draining', 'stopping', 'stopped'));
UPDATE nodes SET deadline_us = (extract(epoch FROM deadline) * 1000000)::bigint, served = ready_at IS NOT NULL OR joined;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
ALTER TABLE nodes DROP COLUMN deadline;  -- nothing is lost: it is in deadline_us

ALTER TABLE clusters
    DROP COLUMN deadline,  -- nothing is lost: what a cluster waits for ends by its nodes' deadlines and its hosts' removals
    ADD delete_at timestamptz,
    ADD departing_names text[] NOT NULL DEFAULT '{}',
    ADD departing_addresses inet[] NOT NULL DEFAULT '{}',
    ADD access_revision bigint NOT NULL DEFAULT 0 CHECK (access_revision >= 0),
    ADD access_done bigint NOT NULL DEFAULT 0 CHECK (access_done >= 0),
    ADD CHECK (cardinality(departing_names) = cardinality(departing_addresses)),
    DROP CONSTRAINT clusters_state_check,  -- the next line takes its place, with one state more
    ADD CONSTRAINT clusters_state_check CHECK (state IN ('creating', 'ready', 'scaling', 'degraded', 'failed', 'deleting',
                                                         'stopped'));
ALTER TABLE cluster_accesses ADD revision bigint NOT NULL DEFAULT 0 CHECK (revision >= 0);

-- A removal that is `owed` is waited for by nobody; its host has it to do all the same.
ALTER TABLE removals
    ADD name text NOT NULL DEFAULT '',
    ADD due_us bigint NOT NULL DEFAULT 0,
    ADD owed boolean NOT NULL DEFAULT false;
UPDATE removals SET name = object::text;

ALTER TABLE operations
    ADD warning text NOT NULL DEFAULT '',
    DROP CONSTRAINT operations_state_check,  -- the next line takes its place, with one state more
    ADD CONSTRAINT operations_state_check CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled'));

ALTER TABLE idempotency_keys ADD made_us bigint NOT NULL DEFAULT 0;
UPDATE idempotency_keys SET made_us = (extract(epoch FROM made_at) * 1000000)::bigint;
ALTER TABLE idempotency_keys DROP COLUMN made_at;  -- nothing is lost: it is in made_us

ALTER TABLE hosts ADD lost_at timestamptz;
ALTER TABLE host_observations
    ADD disk_free_gib u64 NOT NULL DEFAULT 0,
    ADD condition_codes text[] NOT NULL DEFAULT '{}',
    ADD condition_messages text[] NOT NULL DEFAULT '{}',
    ADD condition_since_us bigint[] NOT NULL DEFAULT '{}',
    ADD silent boolean NOT NULL DEFAULT false,
    ADD CHECK (cardinality(condition_codes) = cardinality(condition_messages)
        AND cardinality(condition_codes) = cardinality(condition_since_us));
