use crate::{
    acts::{Forget, ForgetVerdicts},
    scans::Scans,
    search::ForgetHistory,
};
use gantry_fault::Fault;
use gantry_metadata::scans as rows_of_scans;
use gantry_words::Cx;

/// Rows looked at in one go.
const BATCH: usize = 500;

impl Scans {
    /// Forgets scans of images, and contents of layers, that are gone; says how many of both.
    ///
    /// # Errors
    /// The metadata cannot be read or written.
    pub async fn forget(&self, cx: &Cx) -> Result<usize, Fault> {
        self.metadata.perform(cx, ForgetVerdicts).await?;
        self.metadata.perform(cx, ForgetHistory).await?;
        Ok(self.forget_scans(cx).await? + self.forget_layers(cx).await?)
    }

    async fn forget_scans(&self, cx: &Cx) -> Result<usize, Fault> {
        let (mut after, mut count) = ((i64::MIN, String::new()), 0);
        loop {
            let from = after.clone();
            let look = move |rows: &mut _| rows_of_scans::scans_after(rows, (from.0, &from.1), BATCH);
            let found = self.metadata.read_long(look).await?;
            let Some(last) = found.last() else { return Ok(count) };
            after = (last.repository, last.digest.clone());
            let gone = found.into_iter().filter(|scan| !scan.is_there);
            let scans: Vec<_> = gone.map(|scan| (scan.repository, scan.digest)).collect();
            count += scans.len();
            if !scans.is_empty() {
                self.metadata.perform(cx, Forget { scans, layers: vec![] }).await?;
            }
        }
    }

    async fn forget_layers(&self, cx: &Cx) -> Result<usize, Fault> {
        let (mut after, mut count) = (String::new(), 0);
        loop {
            let from = after.clone();
            let found = self.metadata.read_long(move |rows| rows_of_scans::layers_after(rows, &from, BATCH)).await?;
            let Some((last, _)) = found.last() else { return Ok(count) };
            after.clone_from(last);
            let layers: Vec<_> =
                found.into_iter().filter(|(_, is_there)| !is_there).map(|(digest, _)| digest).collect();
            count += layers.len();
            if !layers.is_empty() {
                self.metadata.perform(cx, Forget { scans: vec![], layers }).await?;
            }
        }
    }
}
