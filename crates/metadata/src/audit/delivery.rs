use crate::{Change, Query, Reader, Tx, change, query, values};
use gantry_fault::Fault;

static DELIVERED: Query = query("SELECT seq, checkpoint_seq FROM audit_delivery WHERE writer = $1");
static PUT_DELIVERED: Change = change(
    "INSERT INTO audit_delivery(writer, seq, checkpoint_seq) VALUES ($1, $2, $3)
     ON CONFLICT (writer) DO UPDATE SET seq = excluded.seq, checkpoint_seq = excluded.checkpoint_seq",
);

/// Returns up to which record and which checkpoint a chain has been delivered; `None` where nothing ever was to be.
pub fn delivered(rows: &mut Reader, writer: i64) -> Result<Option<(u64, u64)>, Fault> {
    rows.one(&DELIVERED, values![writer])?.map(|row| Ok((row.count(0)?, row.count(1)?))).transpose()
}

/// Writes down up to where a chain has been delivered.
pub fn put_delivered(tx: &mut Tx, writer: i64, (seq, checkpoint_seq): (u64, u64)) -> Result<(), Fault> {
    tx.write(&PUT_DELIVERED, values![writer, seq, checkpoint_seq])
}
