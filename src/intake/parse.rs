//! Placeholder until the merge.
