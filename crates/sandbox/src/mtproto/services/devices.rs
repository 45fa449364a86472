//! `account.getAuthorizations` and its like: which devices are logged in, and ending them.
//!
//! In: calls of an account. Out: its sessions. What they are and the rules are in `world::accounts`. It must not keep anything.

use grammers_tl_types as tl;

use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::tl_blank;
use crate::world::accounts::ActiveSession;

/// Days after which a session that is not used ends; here none does.
const TTL_DAYS: i32 = 183;

/// `account.getAuthorizations`
pub(super) async fn get_authorizations(
    caller: &Caller,
    _: tl::functions::account::GetAuthorizations,
) -> Result<tl::enums::account::Authorizations, RpcError> {
    let sessions = caller.accounts().sessions_of(caller.user()?, caller.key_id);
    let authorizations = sessions.into_iter().map(authorization).collect();
    Ok(tl::enums::account::Authorizations::Authorizations(tl::types::account::Authorizations {
        authorization_ttl_days: TTL_DAYS,
        authorizations,
    }))
}

/// `account.resetAuthorization`
pub(super) async fn reset_authorization(caller: &Caller, call: tl::functions::account::ResetAuthorization) -> Result<bool, RpcError> {
    let me = caller.user()?;
    caller.accounts().end_others(me, caller.key_id, Some(call.hash), caller.world().limits().fresh_login)?;
    Ok(true)
}

/// `auth.resetAuthorizations`: all but this one.
pub(super) async fn reset_authorizations(caller: &Caller, _: tl::functions::auth::ResetAuthorizations) -> Result<bool, RpcError> {
    let me = caller.user()?;
    caller.accounts().end_others(me, caller.key_id, None, caller.world().limits().fresh_login)?;
    Ok(true)
}

/// A session as the list has it.
pub(super) fn authorization(session: ActiveSession) -> tl::enums::Authorization {
    let ActiveSession { hash, device, since_unix } = session;
    tl::enums::Authorization::Authorization(tl::types::Authorization {
        current: hash == 0,
        hash,
        device_model: device.model,
        system_version: device.system_version,
        api_id: device.api_id,
        app_version: device.app_version,
        date_created: since_unix,
        date_active: device.active_unix,
        ip: "127.0.0.1".to_owned(),
        ..tl_blank::device()
    })
}
