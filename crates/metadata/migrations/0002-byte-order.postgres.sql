-- Lists are in the order of bytes on both engines, whatever the database's locale.
ALTER TABLE repository ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE tag ALTER COLUMN name TYPE TEXT COLLATE "C";
ALTER TABLE manifest ALTER COLUMN digest TYPE TEXT COLLATE "C";
ALTER TABLE blob_link ALTER COLUMN digest TYPE TEXT COLLATE "C";
ALTER TABLE blob_copy ALTER COLUMN digest TYPE TEXT COLLATE "C";
ALTER TABLE upload ALTER COLUMN id TYPE TEXT COLLATE "C";
