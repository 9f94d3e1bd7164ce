-- Names and keys are compared byte by byte, whatever locale the database has: what is unique does not depend on the rules of a
-- language, an index stays valid when the C library sorts otherwise after an upgrade, and comparing costs less.
ALTER TABLE sites ALTER name TYPE name_text COLLATE "C";
ALTER TABLE hosts ALTER name TYPE name_text COLLATE "C", ALTER curve_key TYPE text COLLATE "C";
ALTER TABLE images ALTER name TYPE name_text COLLATE "C";
ALTER TABLE flavors ALTER name TYPE name_text COLLATE "C";
ALTER TABLE projects ALTER name TYPE name_text COLLATE "C";
ALTER TABLE key_pairs ALTER name TYPE name_text COLLATE "C";
ALTER TABLE clusters ALTER name TYPE name_text COLLATE "C";
ALTER TABLE cluster_accesses ALTER user_name TYPE name_text COLLATE "C";
ALTER TABLE nodes ALTER name TYPE name_text COLLATE "C";
ALTER TABLE removals ALTER kind TYPE text COLLATE "C";
ALTER TABLE idempotency_keys ALTER key TYPE text COLLATE "C";
ALTER TABLE placement_records ALTER cluster_name TYPE text COLLATE "C";
