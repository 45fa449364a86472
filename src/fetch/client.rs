//! The HTTP client for addresses that strangers send.
//!
//! In: settings. Out: a client that never connects to a private address, whatever a name resolves to or a server redirects to, and its
//! errors as reasons. Must not: be used for Telegram; follow anything but http and https.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use url::Url;

use super::address;
use crate::config::FetchConfig;
use crate::model::{Failure, Reason};

/// Redirects that are followed; browsers stop at 20, and more than a few is a loop (<https://fetch.spec.whatwg.org/#http-redirect-fetch>).
const MAX_REDIRECTS: usize = 10;

/// Says which hosts may be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard {
    allow_private: bool,
}

/// A link led to a private address.
#[derive(Debug, thiserror::Error)]
#[error("the host has no public address")]
struct PrivateAddress;

/// One redirect too many. (Those to other schemes than http and https are not followed by reqwest; they arrive as answers.)
#[derive(Debug, thiserror::Error)]
#[error("the server sends us round and round")]
struct TooManyRedirects;

impl Guard {
    /// The guard that the settings ask for.
    pub(crate) fn new(config: &FetchConfig) -> Self {
        Self { allow_private: config.allow_private_addresses }
    }

    /// Refuses an address that is private as it is written. Names are checked when they are resolved.
    pub(crate) fn check(self, url: &Url) -> Result<(), Failure> {
        match address::literal(url) {
            Some(address) if !self.allows(address) => Err(Failure::new(Reason::PrivateAddress, PrivateAddress)),
            _ => Ok(()),
        }
    }

    /// Refuses an address that is private, or whose name has a private address: for programs that open it by themselves.
    pub(crate) async fn check_resolved(self, url: &Url) -> Result<(), Failure> {
        self.check(url)?;
        let Some(url::Host::Domain(host)) = url.host() else { return Ok(()) };
        if self.allow_private {
            return Ok(());
        }
        let addresses: Vec<_> =
            tokio::net::lookup_host((host, 0)).await.map_err(|error| failure_of_chain(&error, error.to_string()))?.collect();
        match addresses.iter().all(|address| self.allows(address.ip())) {
            true => Ok(()),
            false => Err(Failure::new(Reason::PrivateAddress, PrivateAddress)),
        }
    }

    fn allows(self, address: IpAddr) -> bool {
        self.allow_private || address::is_public(address)
    }

    async fn resolve(self, name: String) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
        let allowed: Vec<SocketAddr> =
            tokio::net::lookup_host((name.as_str(), 0)).await?.filter(|address| self.allows(address.ip())).collect();
        match allowed.is_empty() {
            true => Err(Box::new(PrivateAddress)),
            false => Ok(Box::new(allowed.into_iter())),
        }
    }

    fn redirect(self, attempt: Attempt) -> reqwest::redirect::Action {
        if self.check(attempt.url()).is_err() {
            attempt.error(PrivateAddress)
        } else if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error(TooManyRedirects)
        } else {
            attempt.follow()
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, name) = (*self, name.as_str().to_owned());
        Box::pin(async move { guard.resolve(name).await })
    }
}

/// The client for files, pages' heads and pictures.
pub(crate) fn build(config: &FetchConfig, guard: Guard) -> Result<reqwest::Client, Failure> {
    builder(config, guard).build().map_err(Failure::internal)
}

/// It never unpacks bodies (offsets of ranges count packed bytes), and uses no proxy of the environment, which would
/// resolve names behind the guard's back.
fn builder(config: &FetchConfig, guard: Guard) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(&config.user_agent)
        .connect_timeout(Duration::from_secs(config.connect_timeout_s))
        .redirect(Policy::custom(move |attempt| guard.redirect(attempt)))
        .dns_resolver(Arc::new(guard))
        .no_gzip()
        .no_proxy()
        .referer(false)
}

/// The reason of a failed request. The cause leaves the address out: it may be signed for one person.
pub(crate) fn failure_of(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    failure_of_chain(&error, error.to_string())
}

fn failure_of_chain(error: &(dyn std::error::Error + 'static), text: String) -> Failure {
    let mut reason = Reason::Network;
    let mut cause = text;
    let mut source = Some(error);
    while let Some(error) = source {
        let text = error.to_string();
        if error.is::<PrivateAddress>() {
            reason = Reason::PrivateAddress;
        } else if error.is::<TooManyRedirects>() {
            reason = Reason::Unsupported;
        } else if is_unknown_name(&text) {
            reason = Reason::NotFound;
        }
        if !cause.contains(&text) {
            cause = format!("{cause}: {text}");
        }
        source = error.source();
    }
    Failure::new(reason, anyhow::anyhow!(cause))
}

/// True for the resolver's final "no such name" (EAI_NONAME, EAI_NODATA); "temporary failure" is another.
fn is_unknown_name(text: &str) -> bool {
    text.contains("Name or service not known") || text.contains("No address associated with hostname")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::tests::config;
    use crate::fetch::tests::site::Site;

    #[tokio::test]
    async fn names_and_literals_of_this_machine_are_refused_unless_allowed() {
        let table = [
            ("http://127.0.0.1/", Some(Reason::PrivateAddress)),
            ("http://[::1]:8080/", Some(Reason::PrivateAddress)),
            ("http://169.254.169.254/latest/meta-data", Some(Reason::PrivateAddress)),
            ("http://localhost/", Some(Reason::PrivateAddress)),
            ("http://1.1.1.1/", None),
        ];
        for (link, expected) in table {
            let url = Url::parse(link).unwrap();
            let refused = Guard { allow_private: false }.check_resolved(&url).await.err().map(|failure| failure.reason);
            assert_eq!(refused, expected, "{link}");
            assert!(Guard { allow_private: true }.check_resolved(&url).await.is_ok(), "{link}");
        }
    }

    #[tokio::test]
    async fn neither_a_redirect_nor_a_name_leads_inside() {
        let site = Site::serve().await;
        let port = site.address().port();
        let guard = Guard { allow_private: false };
        // As if the name had a public address: what the first hop reaches may still send us elsewhere.
        let client = builder(&config(), guard).resolve("public.example", site.address()).build().unwrap();
        let inside = site.file("/inside", b"secret");
        let table = [
            (format!("http://127.0.0.1:{port}/inside"), Reason::PrivateAddress),
            (format!("http://[::ffff:127.0.0.1]:{port}/inside"), Reason::PrivateAddress),
            (format!("http://localhost:{port}/inside"), Reason::PrivateAddress),
            (format!("http://public.example:{port}/hop"), Reason::Unsupported),
        ];
        for (target, expected) in table {
            site.redirect("/hop", &target);
            let error = client.get(format!("http://public.example:{port}/hop")).send().await.unwrap_err();
            assert_eq!(failure_of(error).reason, expected, "{target}");
        }
        let error = client.get(format!("http://localhost:{port}/inside")).send().await.unwrap_err();
        assert_eq!(failure_of(error).reason, Reason::PrivateAddress);
        assert_eq!(inside.requests().len(), 0);
        assert_eq!(client.get(format!("http://public.example:{port}/inside")).send().await.unwrap().status(), 200);
    }
}
