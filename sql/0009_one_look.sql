-- What 0008 says of references holds on; only how must_refer looks is new. It looked at each table twice, once to lock
-- and once to find. Now once: most of what the rows of a large commit refer to was made by that commit, and there
-- is nothing to lock of it.
CREATE OR REPLACE FUNCTION must_refer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    look text;
    others bigint;  -- that this transaction has not made
    locked bigint;
    missing uuid;
BEGIN
    -- An insertion that updates on conflict fires both triggers.
    IF NOT EXISTS (SELECT FROM new_rows) THEN
        RETURN NULL;
    END IF;
    FOR i IN 0 .. TG_NARGS - 2 BY 2 LOOP
        look := format('SELECT count(*) FILTER (WHERE p.xmin <> pg_current_xact_id()::xid), '
                       '(array_agg(n.id) FILTER (WHERE p.id IS NULL))[1] '
                       'FROM (SELECT DISTINCT %1$I AS id FROM new_rows) n LEFT JOIN %2$I p ON p.id = n.id',
                       TG_ARGV[i], TG_ARGV[i + 1]);
        EXECUTE look INTO others, missing;
        IF others > 0 AND TG_ARGV[i + 1] <> ALL (ARRAY['projects', 'flavors', 'images', 'key_pairs']) THEN
            EXECUTE format('SELECT count(*) FROM (SELECT FROM %2$I p WHERE p.id IN (SELECT DISTINCT %1$I FROM new_rows) '
                           'AND p.xmin <> pg_current_xact_id()::xid ORDER BY p.id FOR KEY SHARE) AS locked',
                           TG_ARGV[i], TG_ARGV[i + 1]) INTO locked;
            -- Somebody deleted one of them between the look and the lock.
            IF locked <> others THEN
                EXECUTE look INTO others, missing;
            END IF;
        END IF;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION '%.% refers to % %, which is not there', TG_TABLE_NAME, TG_ARGV[i], TG_ARGV[i + 1], missing
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- The hosts of new claims are locked to be summed over; that they are there is seen by the same look.
CREATE OR REPLACE FUNCTION claims_must_fit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    locked bigint;
    missing uuid;
    overfull record;
BEGIN
    IF NOT EXISTS (SELECT FROM new_claims) THEN
        RETURN NULL;
    END IF;
    PERFORM refuse_over_quota(ARRAY(SELECT DISTINCT project FROM new_claims));
    SELECT count(*) INTO locked
      FROM (SELECT FROM hosts WHERE id IN (SELECT host FROM new_claims) ORDER BY id FOR NO KEY UPDATE) AS mine;
    IF locked <> (SELECT count(DISTINCT host) FROM new_claims) THEN
        SELECT host INTO missing FROM new_claims WHERE host NOT IN (SELECT id FROM hosts) LIMIT 1;
        RAISE EXCEPTION 'claims.host refers to hosts %, which is not there', missing
            USING ERRCODE = 'foreign_key_violation';
    END IF;
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
-- claims_must_fit takes the place of its half about hosts.
DROP TRIGGER claims_refer_on_insert ON claims;
CREATE TRIGGER claims_refer_on_insert AFTER INSERT ON claims REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('project', 'projects');
