-- Clusters that run Kubernetes: what was chosen for them, the keys that they are known by, and who was
-- let in. A row from before has plain nodes: no version, and prefixes of length 0.

ALTER TABLE images ADD kubernetes text NOT NULL DEFAULT '';

ALTER TABLE clusters
    ADD kubernetes_version text NOT NULL DEFAULT '',
    ADD cni text NOT NULL DEFAULT 'native' CHECK (cni IN ('native', 'none')),
    ADD pods cidr NOT NULL DEFAULT '0.0.0.0/0' CHECK (family(pods) = 4),
    ADD services cidr NOT NULL DEFAULT '0.0.0.0/0' CHECK (family(services) = 4);

ALTER TABLE nodes
    ADD pods cidr NOT NULL DEFAULT '0.0.0.0/0' CHECK (family(pods) = 4),
    ADD joined boolean NOT NULL DEFAULT false,
    -- wider by one value, so that no row is lost
    DROP CONSTRAINT nodes_state_check,
    ADD CONSTRAINT nodes_state_check CHECK (state IN ('pending', 'creating', 'booting', 'ready', 'unknown',
                                                      'failed', 'deleting', 'draining'));

-- Encrypted under a key that is not in this database.
CREATE TABLE cluster_identities (
    cluster uuid PRIMARY KEY REFERENCES clusters ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    sealed bytea NOT NULL
);

-- Who was given a credential for a cluster. The credential itself is not kept.
CREATE TABLE cluster_accesses (
    id uuid PRIMARY KEY,
    cluster uuid NOT NULL REFERENCES clusters ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    user_name name_text NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    UNIQUE (cluster, user_name) DEFERRABLE INITIALLY DEFERRED
);
