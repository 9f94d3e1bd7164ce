-- A guest that switches its own machine off is no failure, and is told from one that was stopped.
ALTER TABLE nodes
    DROP CONSTRAINT nodes_vm_state_check,  -- the next line takes its place, with one state more
    ADD CONSTRAINT nodes_vm_state_check CHECK (vm_state IN ('unknown', 'creating', 'running', 'paused', 'stopped', 'crashed',
                                                            'shut-down'));
