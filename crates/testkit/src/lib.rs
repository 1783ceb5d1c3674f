//! A simulated world: clock, randomness, store and scheduler from one seed
