//! Which data centres a session knows: Telegram's, its test servers, or one of one's own.
//!
//! In: the configuration and what the file holds. Out: the home data centre to begin with, and every address and key. Must not: connect.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use grammers_session::SessionData;
use grammers_session::types::DcOption;

use crate::config::{CustomDataCentre, Environment, TelegramConfig};

use super::SessionError;

/// Data centre to begin with where no account is logged in yet; Telegram redirects (`PHONE_MIGRATE_n`) if it is another.
const FIRST_DC: i32 = 2;

/// Telegram's test servers, port 443. grammers knows their RSA key but not their addresses; these are TDLib's
/// (<https://github.com/tdlib/td/blob/master/td/telegram/net/ConnectionCreator.cpp>).
const TEST: [(i32, [u8; 4], [u16; 8]); 3] = [
    (1, [149, 154, 175, 10], [0x2001, 0xb28, 0xf23d, 0xf001, 0, 0, 0, 0xe]),
    (2, [149, 154, 167, 40], [0x2001, 0x67c, 0x4e8, 0xf002, 0, 0, 0, 0xe]),
    (3, [149, 154, 175, 117], [0x2001, 0xb28, 0xf23d, 0xf003, 0, 0, 0, 0xe]),
];

/// The data centre to begin with, and all that are known: what the file holds goes over what is known in advance.
/// A pre-shared key is taken until somebody is logged in with one; from then on the file's key is the account.
pub(super) fn resolve(
    config: &TelegramConfig,
    stored: HashMap<i32, DcOption>,
    logged_in: bool,
) -> Result<(i32, HashMap<i32, DcOption>), SessionError> {
    match config.environment {
        Environment::Production => {
            let mut options = SessionData::default().dc_options;
            options.extend(stored);
            Ok((FIRST_DC, options))
        }
        Environment::Test => {
            let mut options: HashMap<i32, DcOption> = TEST.iter().map(|dc| (dc.0, test_option(dc))).collect();
            options.extend(stored);
            Ok((FIRST_DC, options))
        }
        Environment::Custom => {
            let dc_id = config.custom.dc_id;
            let stored_key = stored.get(&dc_id).filter(|_| logged_in).and_then(|option| option.auth_key);
            let option = custom_option(&config.custom, stored_key)?;
            Ok((dc_id, HashMap::from([(dc_id, option)])))
        }
    }
}

fn test_option((id, ipv4, ipv6): &(i32, [u8; 4], [u16; 8])) -> DcOption {
    let ipv4 = SocketAddrV4::new(Ipv4Addr::from(*ipv4), 443);
    let ipv6 = SocketAddrV6::new(Ipv6Addr::from(*ipv6), 443, 0, 0);
    DcOption { id: *id, ipv4, ipv6, auth_key: None }
}

fn custom_option(custom: &CustomDataCentre, stored_key: Option<[u8; 256]>) -> Result<DcOption, SessionError> {
    let (ipv4, ipv6) = match custom.address {
        SocketAddr::V4(ipv4) => (ipv4, SocketAddrV6::new(ipv4.ip().to_ipv6_mapped(), ipv4.port(), 0, 0)),
        SocketAddr::V6(ipv6) => match ipv6.ip().to_ipv4_mapped() {
            Some(ipv4) => (SocketAddrV4::new(ipv4, ipv6.port()), ipv6),
            None => return Err(SessionError::DataCentre("the address must be IPv4")),
        },
    };
    let auth_key = match stored_key {
        Some(key) => key,
        None => read_key(custom.auth_key.expose()).ok_or(SessionError::DataCentre("auth_key must be 512 hexadecimal digits"))?,
    };
    Ok(DcOption { id: custom.dc_id, ipv4, ipv6, auth_key: Some(auth_key) })
}

fn read_key(hex: &str) -> Option<[u8; 256]> {
    if !hex.is_ascii() || hex.len() != 512 {
        return None;
    }
    let mut key = [0; 256];
    for (byte, position) in key.iter_mut().zip((0..512).step_by(2)) {
        *byte = u8::from_str_radix(&hex[position..position + 2], 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_512_hexadecimal_digits() {
        assert_eq!(read_key(&"ab".repeat(256)), Some([0xab; 256]));
        for bad in ["", "ab", &"zz".repeat(256), &"é".repeat(256), &"ab".repeat(257)] {
            assert_eq!(read_key(bad), None, "{bad}");
        }
    }

    #[test]
    fn test_servers_have_their_own_addresses() {
        let addresses: Vec<String> = TEST.iter().map(|dc| test_option(dc).ipv4.to_string()).collect();
        assert_eq!(addresses, ["149.154.175.10:443", "149.154.167.40:443", "149.154.175.117:443"]);
    }
}
