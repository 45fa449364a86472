//! Every text that the code asks for exists, and every text that exists is asked for.
//!
//! In: the sources and the locales of this repository. Out: a failed test that names the key. Must not: check wording.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;
use crate::model::Reason;

fn reasons() -> Vec<Reason> {
    let mut all = vec![
        Reason::Cancelled,
        Reason::Private,
        Reason::PrivateAddress,
        Reason::Removed,
        Reason::GeoBlocked,
        Reason::LoginNeeded,
        Reason::BotCheck,
        Reason::Unsupported,
        Reason::Drm,
        Reason::Live,
        Reason::NotFound,
        Reason::HttpStatus { status: 403 },
        Reason::WebPage,
        Reason::Empty,
        Reason::Network,
        Reason::Downloader,
        Reason::TooLarge { size_bytes: Some(6 << 30), limit_bytes: 4 << 30 },
        Reason::TooLarge { size_bytes: None, limit_bytes: 4 << 30 },
        Reason::DiskFull,
        Reason::BrokenMedia,
        Reason::NoAudio,
        Reason::NoPicture,
        Reason::TooLong { seconds: 75, limit_seconds: 60 },
        Reason::NoEncoder { name: "libvpx-vp9".into() },
        Reason::MediaLimits,
    ];
    all.extend([true, false].map(|account_missing| Reason::NoLane { size_bytes: 6 << 30, limit_bytes: 50 << 20, account_missing }));
    all.extend([
        Reason::SlideShow { size_bytes: 6 << 30, limit_bytes: 50 << 20 },
        Reason::FloodWait { seconds: 90 },
        Reason::SessionRevoked,
        Reason::AccountLimited,
        Reason::RelayGone,
        Reason::RelayMessageGone,
        Reason::ChatUnreachable,
        Reason::Telegram,
        Reason::Internal,
    ]);
    all
}

#[test]
fn every_reason_has_a_text_with_all_it_needs() {
    for language in languages() {
        for reason in reasons() {
            let text = Texts::new(&language).failure(&reason);
            assert!(text.len() > 20 && !text.contains(['{', '}', '$']) && text != reason.key(), "{language} {}: {text}", reason.key());
        }
    }
    let texts = Texts::new("en");
    let too_large = Reason::TooLarge { size_bytes: Some(6 << 30), limit_bytes: 4 << 30 };
    assert!(texts.failure(&too_large).contains("6 GB") && texts.failure(&too_large).contains("4 GB"));
    assert!(texts.failure(&Reason::HttpStatus { status: 403 }).contains("403"));
}

#[test]
fn every_key_in_the_code_has_a_text_and_every_text_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let have = keys(&root.join("config/locales/en"));
    let code = sources(&root.join("src"));
    // Families of keys that begin so are always whole literals in the code.
    let families: BTreeSet<&str> = have.iter().map(|key| key.split('-').next().unwrap_or(key)).collect();
    let mut missing = BTreeSet::new();
    for text in &code {
        for call in ["exts.get(\"", ".with(\""] {
            missing.extend(text.split(call).skip(1).filter_map(|rest| rest.split('"').next()).filter(|key| !have.contains(*key)));
        }
        let speaks = text.contains("texts.") || text.contains("fn key(");
        for word in text.split('"').skip(1).step_by(2).filter(|word| speaks && looks_like_a_key(word, &families)) {
            if !have.contains(word) {
                missing.insert(word);
            }
        }
    }
    assert!(missing.is_empty(), "no text for {missing:?}");
    let unused: Vec<_> = have.iter().filter(|key| !code.iter().any(|text| text.contains(&format!("\"{key}\"")))).collect();
    assert!(unused.is_empty(), "nobody asks for {unused:?}");
}

#[test]
fn arguments_are_escaped_and_counted() {
    let texts = Texts::new("en");
    assert_eq!(texts.with("failed-title", &[("title", "<i>&".into())]), "⚠️ <b>&lt;i&gt;&amp;</b>");
    assert_eq!(texts.with("cancel-done", &[("count", 1usize.into())]), "Stopped one job.");
    assert_eq!(texts.with("cancel-done", &[("count", 3usize.into())]), "Stopped 3 jobs.");
    assert_eq!(texts.get("no-such-key"), "no-such-key");
}

#[test]
fn the_language_is_the_persons_if_there_is_one() {
    for (code, expected) in [(Some("en"), "en"), (Some("en-GB"), "en"), (Some("tlh"), "en"), (Some("not a tag!"), "en"), (None, "en")] {
        assert_eq!(pick(code, "en"), expected, "{code:?}");
    }
    assert_eq!(pick(None, "nonsense!"), "en");
    assert_eq!(Texts::new("xx").get("button-video"), Texts::new("en").get("button-video"), "a missing translation falls back to English");
}

fn looks_like_a_key(word: &str, families: &BTreeSet<&str>) -> bool {
    let mut parts = word.split('-');
    let family = parts.next().unwrap_or_default();
    families.contains(family)
        && parts.next().is_some()
        && family != "en"
        && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn keys(folder: &Path) -> BTreeSet<String> {
    read_all(folder, "ftl")
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter_map(|line| line.split(" =").next().map(str::to_owned))
        .collect()
}

fn sources(folder: &Path) -> Vec<String> {
    read_all(folder, "rs").into_iter().map(|text| text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()).collect()
}

fn read_all(folder: &Path, ending: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) && !path.ends_with("i18n/tests.rs") {
                texts.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(!texts.is_empty(), "nothing in {}", folder.display());
    texts
}
