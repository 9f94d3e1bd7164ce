-- What the deciding thread knows, and what it has told its hosts. README.md has the meaning of every
-- table. Foreign keys and secondary unique constraints are checked at commit, because a commit is a
-- batch whose order inside does not matter: only its result must hold.

-- Numbers that hosts and guests report may use all 64 bits; a bigint cannot hold them.
CREATE DOMAIN u64 AS numeric(20, 0) CHECK (VALUE BETWEEN 0 AND 18446744073709551615);
CREATE DOMAIN name_text AS text CHECK (char_length(VALUE) BETWEEN 1 AND 253);
CREATE DOMAIN sha256_text AS text CHECK (VALUE ~ '^[0-9a-f]{64}$');

CREATE TABLE system (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    id uuid,
    next_vni bigint NOT NULL DEFAULT 0 CHECK (next_vni BETWEEN 0 AND 16777216)
);
INSERT INTO system DEFAULT VALUES;

CREATE TABLE leader (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    epoch u64 NOT NULL DEFAULT 0,
    holder text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT now()
);
INSERT INTO leader DEFAULT VALUES;

CREATE TABLE sites (
    id uuid PRIMARY KEY,
    name name_text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    underlay_mtu integer NOT NULL CHECK (underlay_mtu BETWEEN 0 AND 65535)
);

CREATE TABLE hosts (
    id uuid PRIMARY KEY,
    name name_text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    site uuid NOT NULL REFERENCES sites DEFERRABLE INITIALLY DEFERRED,
    address inet NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED
        CHECK (family(address) = 4 AND masklen(address) = 32),
    curve_key text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (char_length(curve_key) = 40),
    class text NOT NULL CHECK (class IN ('anchor', 'scavenged')),
    vcpus bigint NOT NULL CHECK (vcpus >= 0),
    memory_mib bigint NOT NULL CHECK (memory_mib >= 0),
    disk_gib bigint NOT NULL CHECK (disk_gib >= 0),
    reserve_vcpus bigint NOT NULL CHECK (reserve_vcpus >= 0),
    reserve_memory_mib bigint NOT NULL CHECK (reserve_memory_mib >= 0),
    reserve_disk_gib bigint NOT NULL CHECK (reserve_disk_gib >= 0),
    cordoned boolean NOT NULL,
    generation bigint NOT NULL CHECK (generation >= 0),
    order_id uuid
);
CREATE INDEX hosts_site ON hosts (site);

CREATE TABLE images (
    id uuid PRIMARY KEY,
    name name_text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    disk_sha256 sha256_text NOT NULL,
    disk_bytes bigint NOT NULL CHECK (disk_bytes >= 0),
    kernel_sha256 sha256_text NOT NULL,
    kernel_bytes bigint NOT NULL CHECK (kernel_bytes >= 0),
    initrd_sha256 sha256_text NOT NULL,
    initrd_bytes bigint NOT NULL CHECK (initrd_bytes >= 0),
    cmdline text NOT NULL,
    min_disk_gib bigint NOT NULL CHECK (min_disk_gib >= 0)
);

CREATE TABLE flavors (
    id uuid PRIMARY KEY,
    name name_text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    vcpus bigint NOT NULL CHECK (vcpus > 0),
    memory_mib bigint NOT NULL CHECK (memory_mib > 0),
    disk_gib bigint NOT NULL CHECK (disk_gib > 0)
);

CREATE TABLE projects (
    id uuid PRIMARY KEY,
    name name_text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE key_pairs (
    id uuid PRIMARY KEY,
    project uuid NOT NULL REFERENCES projects DEFERRABLE INITIALLY DEFERRED,
    name name_text NOT NULL,
    public_key text NOT NULL,
    UNIQUE (project, name) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE clusters (
    id uuid PRIMARY KEY,
    project uuid NOT NULL REFERENCES projects DEFERRABLE INITIALLY DEFERRED,
    name name_text NOT NULL,
    state text NOT NULL
        CHECK (state IN ('creating', 'ready', 'scaling', 'degraded', 'failed', 'deleting')),
    reason text NOT NULL,
    flavor uuid NOT NULL REFERENCES flavors DEFERRABLE INITIALLY DEFERRED,
    image uuid NOT NULL REFERENCES images DEFERRABLE INITIALLY DEFERRED,
    key_pair uuid NOT NULL REFERENCES key_pairs DEFERRABLE INITIALLY DEFERRED,
    network uuid NOT NULL,
    sites uuid[] NOT NULL,
    next_worker bigint NOT NULL CHECK (next_worker >= 0),
    next_address bigint NOT NULL CHECK (next_address >= 0),
    operation uuid,
    created_at timestamptz NOT NULL,
    deadline timestamptz,
    UNIQUE (project, name) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX clusters_flavor ON clusters (flavor);
CREATE INDEX clusters_image ON clusters (image);
CREATE INDEX clusters_key_pair ON clusters (key_pair);

CREATE TABLE node_pools (
    id uuid PRIMARY KEY,
    cluster uuid NOT NULL REFERENCES clusters DEFERRABLE INITIALLY DEFERRED,
    role text NOT NULL CHECK (role IN ('control-plane', 'worker')),
    count bigint NOT NULL CHECK (count >= 0)
);
CREATE INDEX node_pools_cluster ON node_pools (cluster);

CREATE TABLE nodes (
    id uuid PRIMARY KEY,
    cluster uuid NOT NULL REFERENCES clusters DEFERRABLE INITIALLY DEFERRED,
    pool uuid NOT NULL REFERENCES node_pools DEFERRABLE INITIALLY DEFERRED,
    name name_text NOT NULL,
    role text NOT NULL CHECK (role IN ('control-plane', 'worker')),
    host uuid NOT NULL REFERENCES hosts DEFERRABLE INITIALLY DEFERRED,
    generation bigint NOT NULL CHECK (generation >= 0),
    mac macaddr NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    address inet NOT NULL CHECK (family(address) = 4 AND masklen(address) = 32),
    state text NOT NULL
        CHECK (state IN ('pending', 'creating', 'booting', 'ready', 'unknown', 'failed', 'deleting')),
    reason text NOT NULL,
    vm_state text NOT NULL
        CHECK (vm_state IN ('unknown', 'creating', 'running', 'paused', 'stopped', 'crashed')),
    observed_generation u64 NOT NULL,
    stage_names text[] NOT NULL,
    stage_at_ms numeric[] NOT NULL,
    deadline timestamptz,
    created_at timestamptz NOT NULL,
    ready_at timestamptz,
    CHECK (cardinality(stage_names) = cardinality(stage_at_ms)),
    UNIQUE (cluster, name) DEFERRABLE INITIALLY DEFERRED,
    UNIQUE (cluster, address) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX nodes_pool ON nodes (pool);
CREATE INDEX nodes_host ON nodes (host);

-- A network may outlive its cluster's row: its number must stay taken while any host may have it.
CREATE TABLE networks (
    id uuid PRIMARY KEY,
    cluster uuid NOT NULL,
    vni bigint NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (vni BETWEEN 1 AND 16777215),
    prefix cidr NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (family(prefix) = 4),
    gateway inet NOT NULL CHECK (family(gateway) = 4 AND masklen(gateway) = 32),
    gateway_mac macaddr NOT NULL,
    mtu integer NOT NULL CHECK (mtu BETWEEN 0 AND 65535)
);
ALTER TABLE clusters
    ADD FOREIGN KEY (network) REFERENCES networks DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX clusters_network ON clusters (network);

-- A claim may outlive its node's row: capacity is free only when the host has confirmed.
CREATE TABLE claims (
    node uuid PRIMARY KEY,
    host uuid NOT NULL REFERENCES hosts DEFERRABLE INITIALLY DEFERRED,
    vcpus bigint NOT NULL CHECK (vcpus >= 0),
    memory_mib bigint NOT NULL CHECK (memory_mib >= 0),
    disk_gib bigint NOT NULL CHECK (disk_gib >= 0)
);
CREATE INDEX claims_host ON claims (host);

CREATE TABLE removals (
    host uuid NOT NULL REFERENCES hosts ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    kind text NOT NULL CHECK (kind IN ('vm', 'network')),
    object uuid NOT NULL,
    number u64 NOT NULL,
    ordered_at bigint NOT NULL CHECK (ordered_at >= 0),
    PRIMARY KEY (host, kind, object)
);

CREATE TABLE orders (
    host uuid PRIMARY KEY REFERENCES hosts ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    generation bigint NOT NULL CHECK (generation >= 0),
    order_id uuid NOT NULL,
    payload bytea NOT NULL
);

CREATE TABLE host_observations (
    host uuid PRIMARY KEY REFERENCES hosts ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    session uuid NOT NULL,
    boot uuid NOT NULL,
    sequence u64 NOT NULL,
    seen_at timestamptz NOT NULL,
    accepted_generation u64 NOT NULL,
    applied_generation u64 NOT NULL,
    vcpus bigint NOT NULL,
    memory_mib u64 NOT NULL,
    disk_gib u64 NOT NULL,
    hardware_virtualisation boolean NOT NULL,
    highest_delegation u64 NOT NULL,
    highest_epoch u64 NOT NULL,
    agent_version text NOT NULL,
    image_ids uuid[] NOT NULL,
    image_complete boolean[] NOT NULL,
    image_bytes_done numeric[] NOT NULL,
    image_bytes_total numeric[] NOT NULL,
    failure_kinds text[] NOT NULL,
    failure_objects uuid[] NOT NULL,
    failure_codes text[] NOT NULL,
    failure_messages text[] NOT NULL,
    strangers uuid[] NOT NULL,
    CHECK (cardinality(image_ids) = cardinality(image_complete)
        AND cardinality(image_ids) = cardinality(image_bytes_done)
        AND cardinality(image_ids) = cardinality(image_bytes_total)),
    CHECK (cardinality(failure_kinds) = cardinality(failure_objects)
        AND cardinality(failure_kinds) = cardinality(failure_codes)
        AND cardinality(failure_kinds) = cardinality(failure_messages))
);

-- An operation, and an answer given, outlive their cluster.
CREATE TABLE operations (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('cluster-create', 'cluster-scale', 'cluster-delete')),
    state text NOT NULL CHECK (state IN ('running', 'succeeded', 'failed')),
    cluster uuid NOT NULL,
    cluster_name text NOT NULL,
    error text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz
);

CREATE TABLE operation_steps (
    operation uuid NOT NULL REFERENCES operations ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    position integer NOT NULL CHECK (position >= 0),
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    done bigint NOT NULL CHECK (done >= 0),
    total bigint NOT NULL CHECK (total >= 0),
    detail text NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (operation, position)
);

CREATE TABLE idempotency_keys (
    key text PRIMARY KEY CHECK (char_length(key) BETWEEN 1 AND 128),
    request_sha256 sha256_text NOT NULL,
    operation uuid NOT NULL,
    cluster uuid NOT NULL,
    made_at timestamptz NOT NULL
);

CREATE TABLE events (
    number bigint PRIMARY KEY CHECK (number > 0),
    at timestamptz NOT NULL,
    kind text NOT NULL,
    subject uuid NOT NULL,
    subject_name text NOT NULL,
    message text NOT NULL
);
