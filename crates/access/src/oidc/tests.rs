//! What tokens are taken, and which are not, by tokens that are made here.

mod forgeries;
mod keys;
mod maker;
mod roles;
mod verified;
