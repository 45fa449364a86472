//! Where results go: made beside their place, and moved there when they are whole.
//!
//! In: the source, the name that was asked for. Out: a folder to work in, the result in its place. Must not: overwrite anything, or leave anything behind.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::CliError;

/// Where one result goes.
pub(super) struct Place {
    output: PathBuf,
    folder: TempDir,
}

impl Place {
    /// For a result called `output`, or like `source` with another ending, in this folder.
    pub(super) fn new(source: &Path, output: Option<PathBuf>, ending: &str) -> Result<Self, CliError> {
        let output = output.unwrap_or_else(|| PathBuf::from(named(source, ending)));
        free(&output)?;
        let near = output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { folder: folder_in(near)?, output })
    }

    /// A folder on the disk of the result, gone however this ends.
    pub(super) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Brings what was made there; says where and how large.
    pub(super) fn take(&self, made: &Path) -> Result<(PathBuf, u64), CliError> {
        put(made, &self.output)?;
        let size_bytes = std::fs::metadata(&self.output).map_err(CliError::ours)?.len();
        Ok((self.output.clone(), size_bytes))
    }
}

/// A file that is there to be read.
pub(super) fn source(file: &Path) -> Result<(), CliError> {
    match std::fs::metadata(file) {
        Ok(metadata) if metadata.is_file() => Ok(()),
        Ok(_) => Err(CliError::user(format!("{} is no file", file.display()), "name a file")),
        Err(error) => Err(CliError::user(format!("{}: {error}", file.display()), "check the path")),
    }
}

/// A folder to work in, inside of another one.
pub(super) fn folder_in(near: &Path) -> Result<TempDir, CliError> {
    // On the same disk, so that the result is only renamed.
    let made = tempfile::Builder::new().prefix(".tgferry-").tempdir_in(near);
    made.map_err(|error| CliError::user(format!("{}: {error}", near.display()), "name a folder that you may write into, with --output"))
}

/// Fails if there is something with this name.
pub(super) fn free(output: &Path) -> Result<(), CliError> {
    if output.symlink_metadata().is_ok() {
        return Err(CliError::user(format!("{} is there already", output.display()), "remove it, or give another name with --output"));
    }
    Ok(())
}

/// Moves a file to a name that is free, within one disk.
pub(super) fn put(made: &Path, output: &Path) -> Result<(), CliError> {
    free(output)?;
    std::fs::rename(made, output).map_err(CliError::setup)
}

fn named(source: &Path, ending: &str) -> std::ffi::OsString {
    let mut name = source.file_stem().unwrap_or_default().to_owned();
    name.push(ending);
    name
}
