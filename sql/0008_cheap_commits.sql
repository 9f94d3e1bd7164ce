-- What a commit of thousands of nodes costs is what its rows cost: fewer and smaller ones, and references and
-- sums looked at once for a statement instead of once for every row.

-- The outbox. An order is a function of the other rows, made when it is sent: kept is that a host is to be sent
-- one, by its generation and id. Both were in the host's own row as well, which every decision wrote anew with all
-- its indexes; here a row is changed in place.
INSERT INTO orders (host, generation, order_id, payload)
    SELECT id, generation, coalesce(order_id, '00000000-0000-0000-0000-000000000000'), '' FROM hosts
    ON CONFLICT (host) DO UPDATE SET generation = excluded.generation, order_id = excluded.order_id;
-- References that were put off are looked at now: a table with some outstanding cannot be altered.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
ALTER TABLE orders
    DROP COLUMN payload,        -- nothing is lost: it is made again from the other rows
    ALTER order_id DROP NOT NULL,  -- a host that was never ordered anything has none
    SET (fillfactor = 50);
UPDATE orders SET order_id = NULL WHERE order_id = '00000000-0000-0000-0000-000000000000';
ALTER TABLE hosts
    DROP COLUMN generation,     -- nothing is lost: it is in orders
    DROP COLUMN order_id;       -- nothing is lost: it is in orders

-- The steps of an operation are written and read with it: lists in its row, one element a step. A time is in
-- microseconds since 1970, 0: not yet.
ALTER TABLE operations
    ADD step_names text[] NOT NULL DEFAULT '{}',
    ADD step_states text[] NOT NULL DEFAULT '{}'
        CHECK (step_states <@ ARRAY['waiting', 'running', 'done', 'failed']),
    ADD steps_done bigint[] NOT NULL DEFAULT '{}' CHECK (0 <= ALL (steps_done)),
    ADD steps_total bigint[] NOT NULL DEFAULT '{}' CHECK (0 <= ALL (steps_total)),
    ADD step_details text[] NOT NULL DEFAULT '{}',
    ADD steps_started_us bigint[] NOT NULL DEFAULT '{}',
    ADD steps_finished_us bigint[] NOT NULL DEFAULT '{}',
    ADD CHECK (cardinality(step_names) = cardinality(step_states)
        AND cardinality(step_names) = cardinality(steps_done)
        AND cardinality(step_names) = cardinality(steps_total)
        AND cardinality(step_names) = cardinality(step_details)
        AND cardinality(step_names) = cardinality(steps_started_us)
        AND cardinality(step_names) = cardinality(steps_finished_us));
UPDATE operations SET step_names = s.names, step_states = s.states, steps_done = s.done, steps_total = s.total,
       step_details = s.details, steps_started_us = s.started_us, steps_finished_us = s.finished_us
  FROM (SELECT operation, array_agg(name ORDER BY position) AS names, array_agg(state ORDER BY position) AS states,
               array_agg(done ORDER BY position) AS done, array_agg(total ORDER BY position) AS total,
               array_agg(detail ORDER BY position) AS details,
               array_agg(coalesce((extract(epoch FROM started_at) * 1000000)::bigint, 0) ORDER BY position) AS started_us,
               array_agg(coalesce((extract(epoch FROM finished_at) * 1000000)::bigint, 0) ORDER BY position) AS finished_us
          FROM operation_steps GROUP BY operation) AS s
 WHERE s.operation = operations.id;
DROP TABLE operation_steps;     -- nothing is lost: it is in operations, and the view of the same name shows it
CREATE VIEW operation_steps AS
    SELECT o.id AS operation, (s.place - 1)::integer AS position, s.name, s.state, s.done, s.total, s.detail,
           timestamptz 'epoch' + nullif(s.started_us, 0) * interval '1 microsecond' AS started_at,
           timestamptz 'epoch' + nullif(s.finished_us, 0) * interval '1 microsecond' AS finished_at
      FROM operations AS o, unnest(o.step_names, o.step_states, o.steps_done, o.steps_total, o.step_details,
                                   o.steps_started_us, o.steps_finished_us)
           WITH ORDINALITY AS s (name, state, done, total, detail, started_us, finished_us, place);

-- References of the rows that come in thousands. A foreign key looks and locks once for every row and column;
-- these triggers look once for a statement. What is referred to is locked first, as a foreign key does it, so that
-- nobody deletes it meanwhile; but not what this transaction has made itself, which nobody else sees, and not what
-- all rows share and an operator seldom deletes (projects, flavors, images, key pairs): who deletes one of those locks
-- the tables that could refer to it instead. Arguments: a column, the table that it refers to by id, and so on.
CREATE FUNCTION must_refer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    missing uuid;
BEGIN
    -- An insertion that updates on conflict fires both triggers.
    IF NOT EXISTS (SELECT FROM new_rows) THEN
        RETURN NULL;
    END IF;
    FOR i IN 0 .. TG_NARGS - 2 BY 2 LOOP
        IF TG_ARGV[i + 1] <> ALL (ARRAY['projects', 'flavors', 'images', 'key_pairs']) THEN
            EXECUTE format('SELECT count(*) FROM (SELECT FROM %2$I p WHERE p.id IN (SELECT DISTINCT %1$I FROM new_rows) '
                           'AND p.xmin <> pg_current_xact_id()::xid ORDER BY p.id FOR KEY SHARE) AS locked',
                           TG_ARGV[i], TG_ARGV[i + 1]);
        END IF;
        EXECUTE format('SELECT n.id FROM (SELECT DISTINCT %1$I AS id FROM new_rows) n '
                       'WHERE NOT EXISTS (SELECT FROM %2$I p WHERE p.id = n.id) LIMIT 1',
                       TG_ARGV[i], TG_ARGV[i + 1]) INTO missing;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION '%.% refers to % %, which is not there', TG_TABLE_NAME, TG_ARGV[i], TG_ARGV[i + 1], missing
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- The other side: a row that others refer to stays. Its deletion has waited for whoever had it locked, or waits here
-- for whoever writes rows that could refer to it, so that their rows are seen. Arguments: a table, the condition
-- under which its row c refers to the deleted row o, and so on.
CREATE FUNCTION must_not_be_referred_to() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM old_rows) THEN
        RETURN NULL;
    END IF;
    FOR i IN 0 .. TG_NARGS - 2 BY 2 LOOP
        IF TG_TABLE_NAME = ANY (ARRAY['projects', 'flavors', 'images', 'key_pairs']) THEN
            EXECUTE format('LOCK TABLE %I IN SHARE MODE', TG_ARGV[i]);
        END IF;
        EXECUTE format('SELECT o.id FROM old_rows o JOIN %I c ON %s LIMIT 1', TG_ARGV[i], TG_ARGV[i + 1]) INTO held;
        IF held IS NOT NULL THEN
            RAISE EXCEPTION '% % is still referred to by %', TG_TABLE_NAME, held, TG_ARGV[i]
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

ALTER TABLE clusters
    DROP CONSTRAINT clusters_project_fkey,     -- must_refer takes its place, and that of all below
    DROP CONSTRAINT clusters_flavor_fkey,      -- must_refer
    DROP CONSTRAINT clusters_image_fkey,       -- must_refer
    DROP CONSTRAINT clusters_key_pair_fkey,    -- must_refer
    DROP CONSTRAINT clusters_network_fkey;     -- must_refer
ALTER TABLE node_pools
    DROP CONSTRAINT node_pools_cluster_fkey;   -- must_refer
ALTER TABLE nodes
    DROP CONSTRAINT nodes_cluster_fkey,        -- must_refer
    DROP CONSTRAINT nodes_pool_fkey,           -- must_refer
    DROP CONSTRAINT nodes_host_fkey;           -- must_refer
ALTER TABLE claims
    DROP CONSTRAINT claims_host_fkey,          -- must_refer
    DROP CONSTRAINT claims_project_fkey;       -- must_refer

CREATE TRIGGER clusters_refer_on_insert AFTER INSERT ON clusters REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('project', 'projects', 'flavor', 'flavors', 'image', 'images',
                                                   'key_pair', 'key_pairs', 'network', 'networks');
CREATE TRIGGER clusters_refer_on_update AFTER UPDATE ON clusters REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('project', 'projects', 'flavor', 'flavors', 'image', 'images',
                                                   'key_pair', 'key_pairs', 'network', 'networks');
CREATE TRIGGER node_pools_refer_on_insert AFTER INSERT ON node_pools REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('cluster', 'clusters');
CREATE TRIGGER node_pools_refer_on_update AFTER UPDATE ON node_pools REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('cluster', 'clusters');
CREATE TRIGGER nodes_refer_on_insert AFTER INSERT ON nodes REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('cluster', 'clusters', 'pool', 'node_pools', 'host', 'hosts');
CREATE TRIGGER nodes_refer_on_update AFTER UPDATE ON nodes REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('cluster', 'clusters', 'pool', 'node_pools', 'host', 'hosts');
CREATE TRIGGER claims_refer_on_insert AFTER INSERT ON claims REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('host', 'hosts', 'project', 'projects');
CREATE TRIGGER claims_refer_on_update AFTER UPDATE ON claims REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('host', 'hosts', 'project', 'projects');

CREATE TRIGGER projects_stay AFTER DELETE ON projects REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_not_be_referred_to('clusters', 'c.project = o.id', 'claims', 'c.project = o.id');
CREATE TRIGGER flavors_stay AFTER DELETE ON flavors REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_not_be_referred_to('clusters', 'c.flavor = o.id');
CREATE TRIGGER images_stay AFTER DELETE ON images REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_not_be_referred_to('clusters', 'c.image = o.id');
CREATE TRIGGER key_pairs_stay AFTER DELETE ON key_pairs REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_not_be_referred_to('clusters', 'c.key_pair = o.id');
CREATE TRIGGER networks_stay AFTER DELETE ON networks REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_not_be_referred_to('clusters', 'c.network = o.id');
CREATE TRIGGER clusters_stay AFTER DELETE ON clusters REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_not_be_referred_to('node_pools', 'c.cluster = o.id', 'nodes', 'c.cluster = o.id');
CREATE TRIGGER node_pools_stay AFTER DELETE ON node_pools REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_not_be_referred_to('nodes', 'c.cluster = o.cluster AND c.pool = o.id');
CREATE TRIGGER hosts_stay AFTER DELETE ON hosts REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_not_be_referred_to('nodes', 'c.host = o.id', 'claims', 'c.host = o.id');

-- What hosts carry is summed over all claims at once where many hosts are touched, as the number of rows in a
-- transition table lets the planner see; of an array it knew nothing. The rule and its locks are those of 0007.
CREATE FUNCTION claims_must_fit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    overfull record;
BEGIN
    PERFORM refuse_over_quota(ARRAY(SELECT DISTINCT project FROM new_claims));
    PERFORM 1 FROM hosts WHERE id IN (SELECT host FROM new_claims) ORDER BY id FOR NO KEY UPDATE;
    SELECT h.name, c.memory_mib, h.memory_mib - h.reserve_memory_mib AS memory_limit,
           c.disk_gib, h.disk_gib - h.reserve_disk_gib AS disk_limit
      INTO overfull
      FROM (SELECT host, sum(memory_mib) AS memory_mib, sum(disk_gib) AS disk_gib FROM claims
             WHERE host IN (SELECT DISTINCT host FROM new_claims) GROUP BY host) AS c
      JOIN hosts h ON h.id = c.host
     WHERE c.memory_mib > h.memory_mib - h.reserve_memory_mib OR c.disk_gib > h.disk_gib - h.reserve_disk_gib
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'host % would carry % of % MiB memory and % of % GiB disk', overfull.name,
            overfull.memory_mib, overfull.memory_limit, overfull.disk_gib, overfull.disk_limit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'claims_must_fit';
    END IF;
    RETURN NULL;
END
$$;
-- claims_must_fit takes its place.
DROP TRIGGER claims_fit_on_insert ON claims;
CREATE TRIGGER claims_fit_on_insert AFTER INSERT ON claims
    REFERENCING NEW TABLE AS new_claims
    FOR EACH STATEMENT EXECUTE FUNCTION claims_must_fit();
-- Nobody calls it any more.
DROP FUNCTION inserted_claims_must_fit();

-- Indexes that only the foreign keys wanted, or that another one holds as well: by project and name, by cluster and
-- name. What is deleted seldom is looked for by reading the table. The records of a segment have successive numbers.
DROP INDEX clusters_flavor, clusters_image, clusters_key_pair, clusters_project, nodes_pool, nodes_host,
           placement_records_by_segment;
