//! The rules of the house, checked: who may import whom, where SQL and Telegram crates may stand, headers, sizes, paths in the docs.
//!
//! In: the sources. Out: a failed test that lists every offence. Must not: need a build of what it reads.

use std::path::{Path, PathBuf};

const MAX_LINES: usize = 400;
/// Named in the docs because the reader makes it.
const MADE_BY_THE_READER: [&str; 1] = ["config/tgferry.toml"];
/// What checks a step's set-up, and what is a step without Telegram.
const MAY_KNOW_A_STEP: [(&str, &str); 3] = [("src/cli/doctor.rs", "fetch"), ("src/cli/doctor.rs", "media"), ("src/cli/media/", "media")];
const STEPS: [&str; 5] = ["fetch", "media", "route", "upload", "deliver"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
}

/// The sources of the root package with their text, tests inside them left out.
fn sources() -> Vec<(String, String)> {
    let found: Vec<_> = files(&root().join("src"), ".rs").iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect();
    assert!(found.len() > 30, "the sources were not found");
    found
}

fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).filter(|line| !line.trim_start().starts_with("//"))
}

fn none(offences: Vec<String>) {
    assert!(offences.is_empty(), "\n{}", offences.join("\n"));
}

fn area(file: &str) -> &str {
    let path = file.strip_prefix("src/").unwrap_or(file);
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

#[test]
fn every_file_has_a_header_and_stays_small() {
    let mut offences = Vec::new();
    let all = [files(&root().join("src"), ".rs"), files(&root().join("crates"), ".rs"), files(&root().join("tests"), ".rs")].concat();
    for path in all {
        let text = std::fs::read_to_string(&path).unwrap();
        if !text.starts_with("//!") {
            offences.push(format!("{}: does not begin with a //! header", name(&path)));
        }
        let lines = text.lines().count();
        if lines >= MAX_LINES {
            offences.push(format!("{}: {lines} lines, {MAX_LINES} or more", name(&path)));
        }
    }
    none(offences);
}

#[test]
fn data_flows_one_way() {
    let mut offences = Vec::new();
    for (file, text) in sources() {
        let here = area(&file);
        for line in code(&text) {
            for other in imports(line) {
                let forbidden = match here {
                    "model" => other != "model",
                    "spool" => other != "model",
                    "config" => other != "model",
                    "bot" | "http" | "cli" => {
                        STEPS.contains(&other.as_str())
                            && !MAY_KNOW_A_STEP.iter().any(|(place, step)| file.starts_with(place) && *step == other)
                    }
                    step if STEPS.contains(&step) => STEPS.contains(&other.as_str()) && other != step,
                    "store" => !["model", "store"].contains(&other.as_str()),
                    _ => false,
                };
                if forbidden {
                    offences.push(format!("{file}: must not import crate::{other}: {}", line.trim()));
                }
            }
        }
    }
    none(offences);
}

/// The top-level modules of ours that a line names by `crate::…`.
fn imports(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if let Some(list) = rest.strip_prefix('{') {
            found.extend(list.split(',').filter_map(|item| item.trim().split("::").next()).map(str::to_owned));
        } else if !word.is_empty() {
            found.push(word);
        }
    }
    found
}

#[test]
fn sql_and_telegram_crates_stay_in_their_places() {
    let sql = ["SELECT ", "INSERT INTO", "UPDATE jobs", "DELETE FROM", "rusqlite"];
    let telegram = ["teloxide", "grammers_"];
    let at_telegram = ["telegram", "bot", "upload", "deliver", "pipeline", "app", "cli", "http"];
    let mut offences = Vec::new();
    for (file, text) in sources() {
        // A user session is a database of its own, in the format of its own file.
        let may_sql = area(&file) == "store" || file.starts_with("src/telegram/session");
        for line in code(&text) {
            if !may_sql && sql.iter().any(|word| line.contains(word)) {
                offences.push(format!("{file}: SQL outside the store: {}", line.trim()));
            }
            if !at_telegram.contains(&area(&file)) && telegram.iter().any(|word| line.contains(word)) {
                offences.push(format!("{file}: a Telegram crate where nothing talks to Telegram: {}", line.trim()));
            }
        }
    }
    none(offences);
}

#[test]
fn pure_files_do_not_wait() {
    let pure = [
        "src/route/mod.rs",
        "src/media/decide.rs",
        "src/media/formats.rs",
        "src/media/formats/presets.rs",
        "src/media/steer.rs",
        "src/media/worker/nal.rs",
        "src/media/worker/overlay.rs",
        "src/media/worker/spans.rs",
        "src/upload/parts.rs",
        "src/upload/plan.rs",
        "src/upload/pace.rs",
        "src/upload/lines/slots.rs",
        "src/queue/retry.rs",
        "src/intake/parse.rs",
    ];
    let mut offences = Vec::new();
    for file in pure {
        let text = std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        offences
            .extend(code(&text).filter(|line| line.contains("async ") || line.contains(".await")).map(|line| format!("{file}: {line}")));
    }
    none(offences);
}

#[test]
fn the_sandbox_stands_alone() {
    let manifest = std::fs::read_to_string(root().join("crates/sandbox/Cargo.toml")).unwrap();
    assert!(
        !manifest.lines().any(|line| line.starts_with("tgferry ") || line.starts_with("tgferry=") || line.contains("path = \"../..\""))
    );
}

#[test]
fn paths_named_in_the_docs_exist() {
    let mut offences = Vec::new();
    let mut checked = 0;
    for document in files(&root(), ".md") {
        let folder = document.parent().unwrap();
        let text = std::fs::read_to_string(&document).unwrap();
        for quoted in text.split('`').skip(1).step_by(2) {
            let is_path = ["src/", "crates/", "config/", "scripts/", "tests/", "./scripts/"].iter().any(|start| quoted.starts_with(start))
                && !quoted.contains([' ', '*', '<', '{', '…', '\n', '$']);
            if !is_path || MADE_BY_THE_READER.contains(&quoted) {
                continue;
            }
            checked += 1;
            let path = quoted.split('#').next().unwrap_or(quoted);
            if !root().join(path).exists() && !folder.join(path).exists() {
                offences.push(format!("{}: names {quoted}, which does not exist", name(&document)));
            }
        }
    }
    assert!(checked > 10, "no paths were found in the docs");
    none(offences);
}
