-- vCPUs for each hundred physical CPUs of this host; null: as the configuration says for all hosts. A host from before
-- has none of its own.
ALTER TABLE hosts
    ADD vcpu_overcommit_percent bigint CHECK (vcpu_overcommit_percent BETWEEN 100 AND 6400);
