//! A sandbox in this process and a Python program beside it.
//!
//! In: the name of a script of this folder and of a scenario in it. Out: the JSON that the scenario printed last, once it ended well. It must not hide what
//! the script said when it failed.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tgferry_sandbox::{AccountSpec, BotInfo, Limits, Sandbox, SandboxConfig, TestUser};
use tokio::process::Command;

pub(crate) const PHONE: &str = "+9996612345";
pub(crate) const PASSWORD: &str = "correct horse";

/// Of another account, which only some scenarios log in with.
const GUEST_PHONE: &str = "+9996612346";

const TO_INSTALL: &str = "run scripts/setup.sh --dev";

/// A sandbox with a bot that a person has started, and an account.
pub(crate) struct Rig {
    pub(crate) sandbox: Sandbox,
    pub(crate) bot: BotInfo,
    pub(crate) ann: TestUser,
    pub(crate) account: i64,
}

impl Rig {
    /// With this 2FA password for the account.
    pub(crate) async fn new(password: Option<&str>) -> Self {
        // Nothing here has a certificate.
        let limits = Limits { http_webhooks: true, ..Limits::default() };
        Self::with(SandboxConfig { limits, strict: true, ..SandboxConfig::default() }, password).await
    }

    pub(crate) async fn with(config: SandboxConfig, password: Option<&str>) -> Self {
        let sandbox = Sandbox::start(config).await.expect("the sandbox starts");
        let bot = sandbox.create_bot("ferry_bot");
        let ann = sandbox.user("ann", &bot);
        ann.sends("/start").await;
        let account = |phone: &str, name: &str, password: Option<&str>| {
            sandbox.create_account(AccountSpec {
                phone: phone.to_owned(),
                first_name: name.to_owned(),
                username: Some(name.to_lowercase()),
                premium: false,
                password: password.map(str::to_owned),
            })
        };
        account(GUEST_PHONE, "Guest", None);
        let account = account(PHONE, "Carrier", password);
        Self { sandbox, bot, ann, account: account.id }
    }

    /// Runs a scenario with all that a client has to know, and gives what it printed last.
    pub(crate) async fn runs(&self, script: &str, scenario: &str) -> Value {
        let facts = json!({
            "mtproto": self.sandbox.mtproto_addr().to_string(),
            "dc_id": self.sandbox.dc_id(),
            "rsa": self.sandbox.rsa_public_key(),
            "control": self.sandbox.control_url(),
            "bot_api": self.sandbox.bot_api_url(),
            "bot": self.bot,
            "person": {"id": self.ann.id()},
            "stranger": {"id": self.sandbox.create_user("bea").id},
            "phone": PHONE,
            "guest_phone": GUEST_PHONE,
            "password": PASSWORD,
        });
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
        let output = Command::new(python())
            .arg("-B")
            .arg(folder.join(script))
            .args([scenario, &facts.to_string()])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .expect("Python starts");
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!complained.contains("ModuleNotFoundError"), "a client is not installed: {TO_INSTALL}\n{complained}");
        assert!(
            output.status.success(),
            "{script} {scenario}: {}\n{said}\n{complained}\nrefused: {:?}",
            output.status,
            self.sandbox.refusals()
        );
        let last = said.lines().last().unwrap_or_else(|| panic!("{script} {scenario} printed nothing\n{complained}"));
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{script} {scenario}: {error}: {said}"))
    }

    /// Nothing was called that is not served.
    pub(crate) fn nothing_refused(&self) {
        assert_eq!(self.sandbox.refusals(), Vec::<String>::new());
    }
}

/// The interpreter of the project's environment, where scripts/env.sh has it.
fn python() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = folder("TGFERRY_HOME").unwrap_or_else(|| {
        let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
        cache.expect("HOME is set").join("tgferry")
    });
    let python = home.join("venv/bin/python");
    assert!(python.exists(), "there is no {}: {TO_INSTALL}", python.display());
    python
}
