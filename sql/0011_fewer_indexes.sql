-- Half of what a new cluster costs is entries in indexes. Those go that another one can stand in for, where who looks
-- knows more than the one column: the cluster of a pool, the name of a decision's cluster, the cluster of a network.

-- A pool is looked for by its cluster and id, or by its cluster.
ALTER TABLE node_pools
    DROP CONSTRAINT node_pools_pkey,    -- the next line takes its place
    ADD PRIMARY KEY (cluster, id);
-- The keys of node_pools, clusters and placement_records that are left take their place.
DROP INDEX node_pools_cluster, clusters_network, placement_records_by_cluster;

-- What 0008 and 0009 say of references holds on. New is that a row may refer to one that must be of the same owner: a
-- node to a pool of its own cluster (and by that to the cluster, which its pool refers to), a cluster to its own network.
-- Arguments, in fours: a column, the table that it refers to by id, a second column, and the one there that must be equal
-- to it ('' and '': nothing else must be).
DROP TRIGGER clusters_refer_on_insert ON clusters;  -- made again below
DROP TRIGGER clusters_refer_on_update ON clusters;  -- made again below
DROP TRIGGER node_pools_refer_on_insert ON node_pools;  -- made again below
DROP TRIGGER node_pools_refer_on_update ON node_pools;  -- made again below
DROP TRIGGER nodes_refer_on_insert ON nodes;  -- made again below
DROP TRIGGER nodes_refer_on_update ON nodes;  -- made again below
DROP TRIGGER claims_refer_on_insert ON claims;  -- made again below
DROP TRIGGER claims_refer_on_update ON claims;  -- made again below

CREATE OR REPLACE FUNCTION must_refer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    referring text;  -- what the new rows refer to, each once
    same text;       -- that row p is what r refers to
    look text;
    others bigint;   -- that this transaction has not made
    locked bigint;
    missing uuid;
BEGIN
    -- An insertion that updates on conflict fires both triggers.
    IF NOT EXISTS (SELECT FROM new_rows) THEN
        RETURN NULL;
    END IF;
    FOR i IN 0 .. TG_NARGS - 4 BY 4 LOOP
        referring := format('SELECT DISTINCT %I AS id', TG_ARGV[i]);
        same := 'p.id = r.id';
        IF TG_ARGV[i + 2] <> '' THEN
            referring := referring || format(', %I AS owner', TG_ARGV[i + 2]);
            same := same || format(' AND p.%I = r.owner', TG_ARGV[i + 3]);
        END IF;
        referring := referring || ' FROM new_rows';
        look := format('SELECT count(*) FILTER (WHERE p.xmin <> pg_current_xact_id()::xid), '
                       '(array_agg(r.id) FILTER (WHERE p.id IS NULL))[1] FROM (%s) r LEFT JOIN %I p ON %s',
                       referring, TG_ARGV[i + 1], same);
        EXECUTE look INTO others, missing;
        IF others > 0 AND TG_ARGV[i + 1] <> ALL (ARRAY['projects', 'flavors', 'images', 'key_pairs']) THEN
            EXECUTE format('SELECT count(*) FROM (SELECT FROM %I p WHERE EXISTS (SELECT FROM (%s) r WHERE %s) '
                           'AND p.xmin <> pg_current_xact_id()::xid ORDER BY p.id FOR KEY SHARE OF p) AS locked',
                           TG_ARGV[i + 1], referring, same) INTO locked;
            -- Somebody deleted one of them between the look and the lock.
            IF locked <> others THEN
                EXECUTE look INTO others, missing;
            END IF;
        END IF;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION '%.% refers to % %, which is not there%', TG_TABLE_NAME, TG_ARGV[i], TG_ARGV[i + 1], missing,
                CASE WHEN TG_ARGV[i + 2] = '' THEN '' ELSE ' or not its own' END
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

CREATE TRIGGER clusters_refer_on_insert AFTER INSERT ON clusters REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('project', 'projects', '', '', 'flavor', 'flavors', '', '',
                                                   'image', 'images', '', '', 'key_pair', 'key_pairs', '', '',
                                                   'network', 'networks', 'id', 'cluster');
CREATE TRIGGER clusters_refer_on_update AFTER UPDATE ON clusters REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('project', 'projects', '', '', 'flavor', 'flavors', '', '',
                                                   'image', 'images', '', '', 'key_pair', 'key_pairs', '', '',
                                                   'network', 'networks', 'id', 'cluster');
CREATE TRIGGER node_pools_refer_on_insert AFTER INSERT ON node_pools REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('cluster', 'clusters', '', '');
CREATE TRIGGER node_pools_refer_on_update AFTER UPDATE ON node_pools REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('cluster', 'clusters', '', '');
CREATE TRIGGER nodes_refer_on_insert AFTER INSERT ON nodes REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('pool', 'node_pools', 'cluster', 'cluster', 'host', 'hosts', '', '');
CREATE TRIGGER nodes_refer_on_update AFTER UPDATE ON nodes REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('pool', 'node_pools', 'cluster', 'cluster', 'host', 'hosts', '', '');
CREATE TRIGGER claims_refer_on_insert AFTER INSERT ON claims REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('project', 'projects', '', '');
CREATE TRIGGER claims_refer_on_update AFTER UPDATE ON claims REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('host', 'hosts', '', '', 'project', 'projects', '', '');

-- A network is referred to by its own cluster alone, as the above sees to.
DROP TRIGGER networks_stay ON networks;
CREATE TRIGGER networks_stay AFTER DELETE ON networks REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_not_be_referred_to('clusters', 'c.id = o.cluster AND c.network = o.id');
