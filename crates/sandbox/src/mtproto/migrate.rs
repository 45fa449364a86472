//! Which calls belong to another data centre, and which one.
//!
//! In: a method and who calls. Out: the error 303 that names the right data centre (<https://core.telegram.org/api/errors#303-see-other>). It must not move
//! anybody.

use super::dispatch::Caller;
use super::rpc_error::RpcError;

/// Families of methods that any data centre serves to a login that was taken there. Files are asked for where they are, so that
/// `FILE_MIGRATE_n` is given by `upload.getFile` itself.
const ANYWHERE: [&str; 3] = ["help.", "auth.", "upload.getFile"];

/// A user who calls where they are not at home.
pub(super) fn check_home(caller: &Caller, method: &str) -> Result<(), RpcError> {
    if ANYWHERE.iter().any(|family| method.starts_with(family)) {
        return Ok(());
    }
    caller.user().map_or(Ok(()), |user| user_at_home(caller, user))
}

/// `USER_MIGRATE_n` for a user of another data centre.
pub(super) fn user_at_home(caller: &Caller, user: i64) -> Result<(), RpcError> {
    check(caller, "USER", caller.accounts().home_of(user))
}

/// `PHONE_MIGRATE_n` for a number whose account is at another data centre.
pub(super) fn phone_at_home(caller: &Caller, phone: &str) -> Result<(), RpcError> {
    check(caller, "PHONE", caller.accounts().home_of_phone(phone))
}

/// `FILE_MIGRATE_n` for a file that is at another data centre.
pub(super) fn file_here(caller: &Caller, dc_id: i32) -> Result<(), RpcError> {
    check(caller, "FILE", dc_id)
}

fn check(caller: &Caller, what: &str, dc_id: i32) -> Result<(), RpcError> {
    // Without that data centre there is nowhere to go.
    if dc_id == caller.server.dc_id || caller.server.address_of(dc_id).is_none() {
        return Ok(());
    }
    Err(RpcError::new(303, format!("{what}_MIGRATE_{dc_id}")))
}
