-- What projects may hold. A limit that is null is none. A claim says whose it is, so that usage is a sum
-- over claims whatever has become of their nodes.

ALTER TABLE projects
    ADD quota_vcpus bigint CHECK (quota_vcpus >= 0),
    ADD quota_memory_mib bigint CHECK (quota_memory_mib >= 0),
    ADD quota_disk_gib bigint CHECK (quota_disk_gib >= 0),
    ADD quota_nodes bigint CHECK (quota_nodes >= 0),
    ADD quota_clusters bigint CHECK (quota_clusters >= 0);

ALTER TABLE claims ADD project uuid REFERENCES projects DEFERRABLE INITIALLY DEFERRED;
UPDATE claims SET project = c.project FROM nodes n JOIN clusters c ON c.id = n.cluster WHERE n.id = claims.node;
-- The references that the update has put off are looked at now: a table with some outstanding cannot be altered.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
ALTER TABLE claims ALTER project SET NOT NULL;
CREATE INDEX claims_project ON claims (project);
CREATE INDEX clusters_project ON clusters (project);

-- Sums are looked at under a lock of what they belong to. Without it two transactions would each see their
-- own new claims and not the other's, and both would fit. A statement of a function sees what was
-- committed before the statement began, and so the sum after the lock sees whoever held it before.
-- Everybody locks projects before hosts, each in the order of ids.
CREATE OR REPLACE FUNCTION refuse_overfull(grown uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    overfull record;
BEGIN
    PERFORM 1 FROM hosts WHERE id = ANY (grown) ORDER BY id FOR NO KEY UPDATE;
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

-- A project that holds more than a limit that was lowered later keeps it, but gets nothing more of that.
CREATE FUNCTION refuse_over_quota(grown uuid[]) RETURNS void LANGUAGE plpgsql AS $$
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
                                  FROM claims c WHERE c.project = p.id) AS u
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

CREATE OR REPLACE FUNCTION inserted_claims_must_fit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_over_quota(ARRAY(SELECT DISTINCT project FROM new_claims));
    PERFORM refuse_overfull(ARRAY(SELECT DISTINCT host FROM new_claims));
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION updated_claims_must_fit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_over_quota(ARRAY(
        SELECT DISTINCT n.project FROM new_claims n JOIN old_claims o ON o.node = n.node
         WHERE n.project <> o.project OR n.vcpus > o.vcpus OR n.memory_mib > o.memory_mib
            OR n.disk_gib > o.disk_gib));
    PERFORM refuse_overfull(ARRAY(
        SELECT DISTINCT n.host FROM new_claims n JOIN old_claims o ON o.node = n.node
         WHERE n.host <> o.host OR n.memory_mib > o.memory_mib OR n.disk_gib > o.disk_gib));
    RETURN NULL;
END
$$;

CREATE FUNCTION inserted_clusters_within_quota() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    grown uuid[] := ARRAY(SELECT DISTINCT project FROM new_clusters);
    over record;
BEGIN
    PERFORM 1 FROM projects WHERE id = ANY (grown) AND quota_clusters IS NOT NULL ORDER BY id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT p.name, p.quota_clusters, count(*) AS clusters
      INTO over
      FROM projects p JOIN clusters c ON c.project = p.id
     WHERE p.id = ANY (grown)
     GROUP BY p.id
    HAVING count(*) > p.quota_clusters
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'project % would hold % of % clusters', over.name, over.clusters, over.quota_clusters
            USING ERRCODE = 'check_violation', CONSTRAINT = 'clusters_within_quota';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER clusters_within_quota AFTER INSERT ON clusters
    REFERENCING NEW TABLE AS new_clusters
    FOR EACH STATEMENT EXECUTE FUNCTION inserted_clusters_within_quota();
