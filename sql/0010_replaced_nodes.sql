-- A node that another one replaces holds its host's room until that host has confirmed that it is gone, which a host that
-- was unplugged may never do. Its project's quota it holds no longer: the other node has its place there.
ALTER TABLE claims ADD replaced boolean NOT NULL DEFAULT false;

CREATE OR REPLACE FUNCTION refuse_over_quota(grown uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    over record;
BEGIN
    PERFORM 1 FROM projects
      WHERE id = ANY (grown) AND coalesce(quota_vcpus, quota_memory_mib, quota_disk_gib, quota_nodes) IS NOT NULL
      ORDER BY id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT p.*, u.*
      INTO over
      FROM projects p, LATERAL (SELECT sum(vcpus) AS vcpus, sum(memory_mib) AS memory_mib, sum(disk_gib) AS disk_gib,
                                       count(*) AS nodes
                                  FROM claims c WHERE c.project = p.id AND NOT c.replaced) AS u
     WHERE p.id = ANY (grown)
       AND (u.vcpus > p.quota_vcpus OR u.memory_mib > p.quota_memory_mib OR u.disk_gib > p.quota_disk_gib
            OR u.nodes > p.quota_nodes)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'project % would hold % of % vCPUs, % of % MiB memory, % of % GiB disk and % of % nodes',
            over.name, over.vcpus, over.quota_vcpus, over.memory_mib, over.quota_memory_mib, over.disk_gib,
            over.quota_disk_gib, over.nodes, over.quota_nodes
            USING ERRCODE = 'check_violation', CONSTRAINT = 'claims_within_quota';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION updated_claims_must_fit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_over_quota(ARRAY(
        SELECT DISTINCT n.project FROM new_claims n JOIN old_claims o ON o.node = n.node
         WHERE n.project <> o.project OR n.vcpus > o.vcpus OR n.memory_mib > o.memory_mib
            OR n.disk_gib > o.disk_gib OR (o.replaced AND NOT n.replaced)));
    PERFORM refuse_overfull(ARRAY(
        SELECT DISTINCT n.host FROM new_claims n JOIN old_claims o ON o.node = n.node
         WHERE n.host <> o.host OR n.memory_mib > o.memory_mib OR n.disk_gib > o.disk_gib));
    RETURN NULL;
END
$$;
