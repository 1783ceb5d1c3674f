-- Where several servers share the database: which of them writes to an upload, and until when the others believe that. The
-- revision grows with each hold.
ALTER TABLE upload ADD COLUMN holder TEXT;
ALTER TABLE upload ADD COLUMN held_until BIGINT;
ALTER TABLE upload ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
