-- By what most layers are known not to have a file that is looked for, of those that belong to no package. NULL where there are none, or
-- where an earlier version read the layer.
ALTER TABLE layer_content ADD COLUMN path_filter BYTEA;
