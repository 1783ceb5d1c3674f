//! What policies do to images, as people see it.

mod aws_examples;
mod given;
mod properties;
mod reading;
mod surprises;
