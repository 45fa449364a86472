//! A writer that hides known secrets, whoever logs them: a library may put the token into a line as part of an address.
//!
//! In: log lines. Out: the same with `****` for each secret. Must not: hold lines back.

use std::io::{self, Write};
use std::sync::Arc;

use tracing_subscriber::fmt::MakeWriter;

/// Makes redacting writers over standard error.
#[derive(Clone, Debug)]
pub struct Redacting {
    secrets: Arc<Vec<String>>,
}

/// One line's writer; tracing writes a whole line in one call.
#[derive(Debug)]
pub struct RedactingWriter<W> {
    secrets: Arc<Vec<String>>,
    inner: W,
}

impl Redacting {
    /// Hides these texts; empty ones are ignored.
    pub fn stderr(secrets: Vec<String>) -> Self {
        Self { secrets: Arc::new(secrets.into_iter().filter(|secret| !secret.is_empty()).collect()) }
    }
}

impl<'a> MakeWriter<'a> for Redacting {
    type Writer = RedactingWriter<io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactingWriter { secrets: self.secrets.clone(), inner: io::stderr() }
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        if self.secrets.iter().any(|secret| text.contains(secret.as_str())) {
            let hidden = self.secrets.iter().fold(text.into_owned(), |text, secret| text.replace(secret.as_str(), "****"));
            self.inner.write_all(hidden.as_bytes())?;
        } else {
            self.inner.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_an_address_is_hidden() {
        let mut writer = RedactingWriter { secrets: Arc::new(vec!["12:AbC".into()]), inner: Vec::new() };
        writer.write_all(b"GET https://api.telegram.org/bot12:AbC/getMe failed\n").unwrap();
        assert_eq!(writer.inner, b"GET https://api.telegram.org/bot****/getMe failed\n");
    }
}
