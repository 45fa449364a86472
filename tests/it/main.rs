//! Integration tests.
mod upload;
