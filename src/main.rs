//! Entry point: parse the command line, run, map an error to an exit code.
fn main() {}
