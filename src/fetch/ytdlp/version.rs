//! Which yt-dlp is there, and whether it can run the scripts of sites.
//!
//! In: the head of its verbose output. Out: version and JavaScript runtime. Must not: judge them; doctor does.

/// What yt-dlp says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YtDlpVersion {
    /// Its version, e.g. `2026.08.19`.
    pub version: String,
    /// The JavaScript runtime that it found and can use, e.g. `deno-2.9.8`; without one, YouTube hides formats
    /// (<https://github.com/yt-dlp/yt-dlp/wiki/EJS>).
    pub js_runtime: Option<String>,
}

/// Reads the `[debug]` lines that `yt-dlp --verbose` begins with.
pub(super) fn parse(output: &str) -> Option<YtDlpVersion> {
    let after = |mark: &str| output.lines().find_map(|line| line.strip_prefix("[debug] ")?.strip_prefix(mark)).map(str::trim);
    let words = after("yt-dlp version ")?;
    let version = words.split_whitespace().next()?;
    let version = version.split_once('@').map_or(version, |(_channel, version)| version).to_owned();
    let usable = |runtime: &&str| *runtime != "none" && !runtime.contains("unsupported") && !runtime.is_empty();
    let js_runtime = after("JS runtimes:").and_then(|list| list.split(", ").map(str::trim).find(usable)).map(str::to_owned);
    Some(YtDlpVersion { version, js_runtime })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_of_the_verbose_output_is_read() {
        let table = [
            (
                "[debug] Command-line config: ['-v']\n[debug] yt-dlp version stable@2026.08.19 from yt-dlp/yt-dlp [594bd50c2] (pip)\n[debug] JS runtimes: deno-2.9.8\n",
                Some(("2026.08.19", Some("deno-2.9.8"))),
            ),
            ("[debug] yt-dlp version 2025.01.01 (pip)\n[debug] JS runtimes: none\n", Some(("2025.01.01", None))),
            ("[debug] yt-dlp version a@b\n[debug] JS runtimes: node-20.1 (unsupported), quickjs-1\n", Some(("b", Some("quickjs-1")))),
            ("[debug] yt-dlp version a@b\n", Some(("b", None))),
            ("sh: not found", None),
        ];
        for (output, expected) in table {
            let expected = expected.map(|(version, runtime)| YtDlpVersion { version: version.into(), js_runtime: runtime.map(Into::into) });
            assert_eq!(parse(output), expected, "{output}");
        }
    }
}
