//! Messages of people: links are found, and what comes out is a web address that reads back as itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tgferry::intake::parse::find;
use tgferry::model::Link;

const MAX_LINKS: usize = 5;

fuzz_target!(|text: &str| {
    let marked: Vec<String> = text.lines().take(3).map(str::to_owned).collect();
    let found = find(text, &marked, MAX_LINKS);
    assert!(found.links.len() <= MAX_LINKS);
    for link in found.links {
        assert!(link.url().username().is_empty() && link.url().password().is_none(), "{link}");
        assert!(matches!(link.url().scheme(), "http" | "https") && link.local_path().is_none() && !link.host().is_empty(), "{link}");
        assert_eq!(Link::from_stored(link.as_str()).as_ref(), Ok(&link));
        assert_eq!(Link::parse(link.as_str()).as_ref(), Ok(&link));
    }
});
