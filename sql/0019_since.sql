-- Since when a cluster or node has been in its state, for people. Of the rows that are there nobody has noted it: since they
-- were made, or first ready, is the latest time that is known.
ALTER TABLE clusters ADD since timestamptz;
UPDATE clusters SET since = created_at;
ALTER TABLE clusters ALTER since SET NOT NULL;
ALTER TABLE nodes ADD since timestamptz;
UPDATE nodes SET since = coalesce(ready_at, created_at);
ALTER TABLE nodes ALTER since SET NOT NULL;
