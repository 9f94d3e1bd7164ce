-- A cluster has two pools, one for each role, and no third: what is wanted of them stands in its row. As rows of their own they
-- were a sixth of what a small cluster costs to write, and each node had to name one of them beside its role.
ALTER TABLE clusters
    ADD control_planes bigint NOT NULL DEFAULT 0 CHECK (control_planes >= 0),
    ADD control_plane_rooms text[] NOT NULL DEFAULT '{}' CHECK (cardinality(control_plane_rooms) <= 64),
    ADD control_plane_labels text[] NOT NULL DEFAULT '{}' CHECK (cardinality(control_plane_labels) <= 16),
    ADD control_plane_classes text[] NOT NULL DEFAULT '{}' CHECK (control_plane_classes <@ ARRAY['anchor', 'scavenged']),
    ADD workers bigint NOT NULL DEFAULT 0 CHECK (workers >= 0),
    ADD worker_rooms text[] NOT NULL DEFAULT '{}' CHECK (cardinality(worker_rooms) <= 64),
    ADD worker_labels text[] NOT NULL DEFAULT '{}' CHECK (cardinality(worker_labels) <= 16),
    ADD worker_classes text[] NOT NULL DEFAULT '{}' CHECK (worker_classes <@ ARRAY['anchor', 'scavenged']);
UPDATE clusters SET control_planes = p.count, control_plane_rooms = p.rooms, control_plane_labels = p.labels,
       control_plane_classes = p.classes
  FROM node_pools p WHERE p.cluster = clusters.id AND p.role = 'control-plane';
UPDATE clusters SET workers = p.count, worker_rooms = p.rooms, worker_labels = p.labels, worker_classes = p.classes
  FROM node_pools p WHERE p.cluster = clusters.id AND p.role = 'worker';

DROP TRIGGER nodes_refer_on_insert ON nodes;  -- made again below
DROP TRIGGER nodes_refer_on_update ON nodes;  -- made again below
DROP TRIGGER clusters_stay ON clusters;       -- made again below
DROP TABLE node_pools;                        -- nothing is lost: it is in clusters, and the view of the same name shows it
ALTER TABLE nodes DROP COLUMN pool;           -- nothing is lost: its cluster and role say it
CREATE VIEW node_pools AS
    SELECT c.id AS cluster, p.role, p.count, p.rooms, p.labels, p.classes
      FROM clusters AS c, LATERAL (VALUES
           ('control-plane', c.control_planes, c.control_plane_rooms, c.control_plane_labels, c.control_plane_classes),
           ('worker', c.workers, c.worker_rooms, c.worker_labels, c.worker_classes)) AS p (role, count, rooms, labels, classes);

CREATE TRIGGER nodes_refer_on_insert AFTER INSERT ON nodes REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('cluster', 'clusters', '', '', 'host', 'hosts', '', '');
CREATE TRIGGER nodes_refer_on_update AFTER UPDATE ON nodes REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_refer('cluster', 'clusters', '', '', 'host', 'hosts', '', '');
CREATE TRIGGER clusters_stay AFTER DELETE ON clusters REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION must_not_be_referred_to('nodes', 'c.cluster = o.id');
