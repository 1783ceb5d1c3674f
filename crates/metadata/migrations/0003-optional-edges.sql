-- A blob that may be missing can come after the manifest that names it: its link has to know how many do.
CREATE INDEX edge_optional ON edge(repository, child, parent) WHERE required = 0 AND kind IN ('config', 'layer');
