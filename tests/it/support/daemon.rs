//! The daemon as people run it: a process with a configuration file, stopped by signals.
//!
//! In: addresses and settings. Out: a running process whose folders the test can look into. Must not: outlive its test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where a daemon of a test lives; several runs may follow each other in it.
pub struct Home {
    /// Its folder.
    pub folder: tempfile::TempDir,
    config: PathBuf,
}

/// A running daemon.
pub struct Daemon {
    child: tokio::process::Child,
}

impl Home {
    /// A folder with a configuration file.
    pub fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tgferry.toml");
        std::fs::write(&path, config).unwrap();
        Self { folder, config: path }
    }

    /// A command of the program in this home.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tgferry"));
        command.current_dir(self.folder.path()).arg("--config").arg(&self.config).args(arguments);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TGFERRY_")) {
            command.env_remove(name);
        }
        command
    }

    /// Runs a command to its end with these lines as its input.
    pub async fn run(&self, arguments: &[&str], input: &str) -> Output {
        use tokio::io::AsyncWriteExt;
        let mut command = tokio::process::Command::from(self.command(arguments));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).await.unwrap();
        drop(stdin);
        tokio::time::timeout(std::time::Duration::from_secs(60), child.wait_with_output()).await.expect("it did not end").unwrap()
    }

    /// Starts the daemon; its log goes to the test's output.
    pub fn start(&self) -> Daemon {
        let mut command = tokio::process::Command::from(self.command(&["run"]));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).spawn().unwrap();
        Daemon { child }
    }

    /// Files that are left in the work folder.
    pub fn files_left(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.folder.path().join("work"), &mut found);
        found
    }

    /// Waits until no file is left, for it happens just after the last message.
    pub async fn is_clean(&self) {
        super::scene::until("no files left in the work folder", || self.files_left().is_empty().then_some(())).await;
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() { collect(&entry.path(), found) } else { found.push(entry.path()) }
    }
}

impl Daemon {
    /// Ends it as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and waits for it: within 10 s, with code 0.
    pub async fn stop(mut self) {
        let pid = nix::unistd::Pid::from_raw(self.child.id().expect("it runs") as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
        let status = tokio::time::timeout(std::time::Duration::from_secs(10), self.child.wait()).await;
        let status = status.expect("it did not end within 10 s of SIGTERM").unwrap();
        assert!(status.success(), "{status}");
    }
}
