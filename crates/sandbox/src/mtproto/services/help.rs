//! `help.*`: where this data centre is, and the limits that clients read instead of assuming.
//!
//! In: calls of anybody, logged in or not. Out: the configuration. Meaning of the keys: <https://core.telegram.org/api/config>.
//! It must not depend on who asks.

use std::net::SocketAddr;

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::{DC_ID, tl_blank};

/// `help.getConfig`
pub(super) async fn get_config(caller: &Caller, _: tl::functions::help::GetConfig) -> Result<tl::enums::Config, RpcError> {
    // This one by the address that the client came to, so that clients stay here.
    let here = (caller.server.dc_id, caller.local);
    let others = caller.server.all.iter().filter(|(id, _)| *id != here.0).map(|(id, address)| (*id, SocketAddr::V4(*address)));
    let mut options: Vec<_> = others.chain([here]).collect();
    options.sort_by_key(|(id, _)| *id);
    let now = caller.accounts().clock().unix() as i32;
    Ok(tl::enums::Config::Config(tl::types::Config {
        date: now,
        expires: now + 3600,
        this_dc: caller.server.dc_id,
        dc_options: options.into_iter().map(option).collect(),
        chat_size_max: 200,
        megagroup_size_max: 200_000,
        forwarded_count_max: 100,
        edit_time_limit: 172_800,
        revoke_time_limit: i32::MAX,
        revoke_pm_time_limit: i32::MAX,
        call_connect_timeout_ms: 30_000,
        me_url_prefix: "https://t.me/".to_owned(),
        caption_length_max: 1024,
        message_length_max: 4096,
        webfile_dc_id: DC_ID,
        ..tl_blank::config()
    }))
}

fn option((id, address): (i32, SocketAddr)) -> tl::enums::DcOption {
    tl::enums::DcOption::Option(tl::types::DcOption {
        ipv6: address.is_ipv6(),
        media_only: false,
        tcpo_only: false,
        cdn: false,
        r#static: true,
        this_port_only: true,
        id,
        ip_address: address.ip().to_string(),
        port: i32::from(address.port()),
        secret: None,
    })
}

/// `help.getNearestDc`
pub(super) async fn get_nearest_dc(caller: &Caller, _: tl::functions::help::GetNearestDc) -> Result<tl::enums::NearestDc, RpcError> {
    Ok(tl::enums::NearestDc::Dc(tl::types::NearestDc { country: "XX".to_owned(), this_dc: caller.server.dc_id, nearest_dc: DC_ID }))
}

/// `help.getAppConfig`
pub(super) async fn get_app_config(
    caller: &Caller,
    call: tl::functions::help::GetAppConfig,
) -> Result<tl::enums::help::AppConfig, RpcError> {
    let limits = caller.world().limits();
    let numbers = [
        ("upload_max_fileparts_default", limits.max_file_parts_default),
        ("upload_max_fileparts_premium", limits.max_file_parts_premium),
        ("caption_length_limit_default", 1024),
        ("caption_length_limit_premium", 4096),
    ];
    // The hash has to change when a value does, and only then.
    let hash = numbers.iter().fold(17_i32, |hash, (_, number)| hash.wrapping_mul(31).wrapping_add(*number));
    if call.hash == hash {
        return Ok(tl::enums::help::AppConfig::NotModified);
    }
    let value = numbers.map(|(key, number)| {
        let number = tl::types::JsonNumber { value: f64::from(number) };
        let value = tl::enums::Jsonvalue::JsonNumber(number);
        let key = key.to_owned();
        tl::enums::JsonobjectValue::JsonObjectValue(tl::types::JsonObjectValue { key, value })
    });
    let config = tl::enums::Jsonvalue::JsonObject(tl::types::JsonObject { value: value.to_vec() });
    Ok(tl::enums::help::AppConfig::Config(tl::types::help::AppConfig { hash, config }))
}
