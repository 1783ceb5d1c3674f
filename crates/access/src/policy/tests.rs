//! Policies as wholes. What is asked of the engine is also asked of a second one, [`naive`], which was written apart from it.

mod agreement;
mod cases;
mod examples;
mod naive;
mod world;
