//! Cookies as yt-dlp writes them into its metadata.
//!
//! In: `a=1; Domain=.a.org; Path=/; b="2"; Domain=…`, all of one address. Out: a `Cookie` header for an address. Must not: keep them.

use url::Url;

/// Attributes of the cookie before them, in lower case.
const ATTRIBUTES: [&str; 9] = ["domain", "path", "secure", "expires", "version", "httponly", "samesite", "max-age", "comment"];

struct Cookie {
    name_and_value: String,
    domain: Option<String>,
    path: String,
    secure: bool,
}

/// The cookies that this address may be sent; nothing if there is none.
pub(super) fn for_url(cookies: &str, url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let allowed = parse(cookies).into_iter().filter(|cookie| {
        let of_host = cookie.domain.as_deref().is_some_and(|domain| {
            let domain = domain.trim_start_matches('.');
            host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
        });
        of_host && lies_in(url.path(), &cookie.path) && (!cookie.secure || url.scheme() == "https")
    });
    let header = allowed.map(|cookie| cookie.name_and_value).collect::<Vec<_>>().join("; ");
    (!header.is_empty()).then_some(header)
}

/// RFC 6265, 5.1.4: the path itself, or one below it; `/foobar` is not below `/foo`.
fn lies_in(path: &str, cookie_path: &str) -> bool {
    let below = |rest: &str| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/');
    path.strip_prefix(cookie_path).is_some_and(below)
}

fn parse(text: &str) -> Vec<Cookie> {
    let mut cookies: Vec<Cookie> = Vec::new();
    for part in split(text) {
        let (name, value) = part.split_once('=').unwrap_or((&part, ""));
        match (name.trim().to_ascii_lowercase(), cookies.last_mut()) {
            (attribute, Some(cookie)) if ATTRIBUTES.contains(&attribute.as_str()) => match attribute.as_str() {
                "domain" => cookie.domain = Some(value.trim().to_ascii_lowercase()),
                "path" => cookie.path = value.trim().to_owned(),
                "secure" => cookie.secure = true,
                _ => {}
            },
            _ if name.trim().is_empty() => {}
            _ => cookies.push(Cookie { name_and_value: part.trim().to_owned(), domain: None, path: "/".into(), secure: false }),
        }
    }
    cookies
}

/// At semicolons, but not those in quotes.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut quoted) = (vec![String::new()], false);
    for character in text.chars() {
        match character {
            '"' => quoted = !quoted,
            ';' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_goes_only_where_it_belongs() {
        let all =
            "a=1; Domain=.a.org; Path=/; Secure; Expires=1999999999; b=\"x;y\"; Domain=www.a.org; Path=/v; c=3; Domain=b.org; Path=/; d=4";
        let table = [
            ("https://www.a.org/v/1", Some("a=1; b=\"x;y\"")),
            ("http://www.a.org/v/1", Some("b=\"x;y\"")),
            ("https://www.a.org/", Some("a=1")),
            ("https://a.org/", Some("a=1")),
            ("https://nota.org/", None),
            ("https://b.org/x", Some("c=3")),
        ];
        for (address, expected) in table {
            assert_eq!(for_url(all, &Url::parse(address).unwrap()).as_deref(), expected, "{address}");
        }
        assert_eq!(for_url("", &Url::parse("https://a.org/").unwrap()), None);
    }

    #[test]
    fn a_path_holds_what_is_below_it_alone() {
        let table = [
            ("/foo", "/foo", true),
            ("/foo", "/foo/", true),
            ("/foo", "/foo/bar", true),
            ("/foo", "/foobar", false),
            ("/foo", "/fo", false),
            ("/foo", "/bar/foo", false),
            ("/foo/", "/foo/bar", true),
            ("/foo/", "/foo", false),
            ("/", "/", true),
            ("/", "/foo", true),
        ];
        for (cookie_path, path, expected) in table {
            let cookie = format!("a=1; Domain=a.org; Path={cookie_path}");
            let address = Url::parse(&format!("https://a.org{path}")).unwrap();
            assert_eq!(for_url(&cookie, &address).is_some(), expected, "{cookie_path} {path}");
        }
    }
}
