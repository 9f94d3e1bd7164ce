-- The second safety net under placement: no statement adds a claim that its host cannot carry.
-- Memory and disk have no overcommit; vCPU has a ratio that only the configuration knows. A host
-- whose capacity shrank keeps what it has: only hosts whose claims grew are looked at, once per
-- statement.
CREATE FUNCTION refuse_overfull(grown uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    overfull record;
BEGIN
    SELECT h.name, sum(c.memory_mib) AS memory_mib, h.memory_mib - h.reserve_memory_mib AS memory_limit,
           sum(c.disk_gib) AS disk_gib, h.disk_gib - h.reserve_disk_gib AS disk_limit
      INTO overfull
      FROM hosts h JOIN claims c ON c.host = h.id
     WHERE h.id = ANY (grown)
     GROUP BY h.id
    HAVING sum(c.memory_mib) > h.memory_mib - h.reserve_memory_mib
        OR sum(c.disk_gib) > h.disk_gib - h.reserve_disk_gib
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'host % would carry % of % MiB memory and % of % GiB disk', overfull.name,
            overfull.memory_mib, overfull.memory_limit, overfull.disk_gib, overfull.disk_limit
            USING ERRCODE = 'check_violation', CONSTRAINT = 'claims_must_fit';
    END IF;
END
$$;

CREATE FUNCTION inserted_claims_must_fit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_overfull(ARRAY(SELECT DISTINCT host FROM new_claims));
    RETURN NULL;
END
$$;

CREATE FUNCTION updated_claims_must_fit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_overfull(ARRAY(
        SELECT DISTINCT n.host FROM new_claims n JOIN old_claims o ON o.node = n.node
         WHERE n.host <> o.host OR n.memory_mib > o.memory_mib OR n.disk_gib > o.disk_gib));
    RETURN NULL;
END
$$;

CREATE TRIGGER claims_fit_on_insert AFTER INSERT ON claims
    REFERENCING NEW TABLE AS new_claims
    FOR EACH STATEMENT EXECUTE FUNCTION inserted_claims_must_fit();
CREATE TRIGGER claims_fit_on_update AFTER UPDATE ON claims
    REFERENCING OLD TABLE AS old_claims NEW TABLE AS new_claims
    FOR EACH STATEMENT EXECUTE FUNCTION updated_claims_must_fit();
