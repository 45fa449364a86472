//! `auth.*` by code, by bot token and by QR, and the end of an authorization.
//!
//! In: calls of keys that nobody is logged in with yet. Out: authorizations, or the step that is missing. Flows:
//! <https://core.telegram.org/api/auth> and <https://core.telegram.org/api/qr-login>. State lives in `world::accounts`.

use grammers_tl_types as tl;

use super::devices;
use crate::mtproto::dispatch::Caller;
use crate::mtproto::rpc_error::RpcError;
use crate::mtproto::{migrate, tl_view};
use crate::world::accounts::{ActiveSession, Device, GENERATOR, LOGIN_TOKEN_LIFETIME, SignIn, prime};
use crate::world::now_unix;

/// Digits of a login code.
const CODE_LENGTH: i32 = 5;

/// `auth.sendCode`
pub(super) async fn send_code(caller: &Caller, call: tl::functions::auth::SendCode) -> Result<tl::enums::auth::SentCode, RpcError> {
    check_api_id(call.api_id)?;
    migrate::phone_at_home(caller, &call.phone_number)?;
    Ok(sent(caller.accounts().send_code(&call.phone_number)?))
}

/// `auth.resendCode`
pub(super) async fn resend_code(caller: &Caller, call: tl::functions::auth::ResendCode) -> Result<tl::enums::auth::SentCode, RpcError> {
    let hash = caller.accounts().resend_code(&call.phone_number, &call.phone_code_hash)?;
    Ok(sent(hash))
}

/// `auth.cancelCode`
pub(super) async fn cancel_code(caller: &Caller, call: tl::functions::auth::CancelCode) -> Result<bool, RpcError> {
    caller.accounts().cancel_code(&call.phone_number, &call.phone_code_hash)?;
    Ok(true)
}

/// `auth.signIn`
pub(super) async fn sign_in(caller: &Caller, call: tl::functions::auth::SignIn) -> Result<tl::enums::auth::Authorization, RpcError> {
    let code = call.phone_code.filter(|code| !code.is_empty());
    let code = code.ok_or_else(|| RpcError::bad("PHONE_CODE_EMPTY"))?;
    let (phone, hash) = (&call.phone_number, &call.phone_code_hash);
    migrate::phone_at_home(caller, phone)?;
    match caller.accounts().sign_in(caller.key_id, phone, hash, &code)? {
        SignIn::Done(user_id) => authorization(caller, user_id),
        SignIn::SignUpRequired => {
            Ok(tl::enums::auth::Authorization::SignUpRequired(tl::types::auth::AuthorizationSignUpRequired { terms_of_service: None }))
        }
    }
}

/// `account.getPassword`
pub(super) async fn get_password(
    caller: &Caller,
    _: tl::functions::account::GetPassword,
) -> Result<tl::enums::account::Password, RpcError> {
    let challenge = caller.accounts().password_challenge(caller.key_id)?;
    let algorithm = |salt1: Vec<u8>, salt2: Vec<u8>| {
        tl::enums::PasswordKdfAlgo::Sha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow(
            tl::types::PasswordKdfAlgoSha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow { salt1, salt2, g: GENERATOR as i32, p: prime() },
        )
    };
    let mut secure_random = vec![0_u8; 256];
    rand::fill(&mut secure_random[..]);
    let salts = challenge.as_ref().map(|challenge| (challenge.salt1.clone(), challenge.salt2.clone()));
    let fresh_salt = secure_random[..8].to_vec();
    Ok(tl::enums::account::Password::Password(tl::types::account::Password {
        has_recovery: false,
        has_secure_values: false,
        has_password: challenge.is_some(),
        current_algo: salts.map(|(salt1, salt2)| algorithm(salt1, salt2)),
        srp_b: challenge.as_ref().map(|challenge| challenge.big_b.clone()),
        srp_id: challenge.as_ref().map(|challenge| challenge.id),
        hint: None,
        email_unconfirmed_pattern: None,
        new_algo: algorithm(fresh_salt.clone(), fresh_salt),
        new_secure_algo: tl::enums::SecurePasswordKdfAlgo::Unknown,
        secure_random,
        pending_reset_date: None,
        login_email_pattern: None,
    }))
}

/// `auth.checkPassword`
pub(super) async fn check_password(
    caller: &Caller,
    call: tl::functions::auth::CheckPassword,
) -> Result<tl::enums::auth::Authorization, RpcError> {
    let tl::enums::InputCheckPasswordSrp::Srp(proof) = call.password else {
        return Err(RpcError::bad("PASSWORD_HASH_INVALID"));
    };
    let (accounts, key_id) = (caller.accounts().clone(), caller.key_id);
    let checked = tokio::task::spawn_blocking(move || {
        // Some 50 ms of arithmetic.
        accounts.check_password(key_id, proof.srp_id, &proof.a, &proof.m1)
    });
    let user_id = checked.await.map_err(RpcError::internal)??;
    authorization(caller, user_id)
}

/// `auth.logOut`
pub(super) async fn log_out(caller: &Caller, _: tl::functions::auth::LogOut) -> Result<tl::enums::auth::LoggedOut, RpcError> {
    caller.user()?;
    caller.accounts().log_out(caller.key_id);
    let out = tl::types::auth::LoggedOut { future_auth_token: None };
    Ok(tl::enums::auth::LoggedOut::Out(out))
}

/// `auth.importBotAuthorization`
pub(super) async fn import_bot_authorization(
    caller: &Caller,
    call: tl::functions::auth::ImportBotAuthorization,
) -> Result<tl::enums::auth::Authorization, RpcError> {
    check_api_id(call.api_id)?;
    let bot = caller.world().read(|state| state.bot_by_token(&call.bot_auth_token).map(|bot| bot.id));
    let bot = bot.ok_or_else(|| RpcError::bad("ACCESS_TOKEN_INVALID"))?;
    migrate::user_at_home(caller, bot)?;
    caller.accounts().log_in(caller.key_id, bot);
    authorization(caller, bot)
}

/// `auth.exportLoginToken`
pub(super) async fn export_login_token(
    caller: &Caller,
    call: tl::functions::auth::ExportLoginToken,
) -> Result<tl::enums::auth::LoginToken, RpcError> {
    check_api_id(call.api_id)?;
    if let Some((user_id, token)) = caller.accounts().accepted_token(caller.key_id) {
        let dc_id = caller.accounts().home_of(user_id);
        if migrate::user_at_home(caller, user_id).is_err() {
            return Ok(tl::enums::auth::LoginToken::MigrateTo(tl::types::auth::LoginTokenMigrateTo { dc_id, token }));
        }
    }
    match caller.accounts().export_login_token(caller.key_id)? {
        Ok(user_id) => login_token_success(caller, user_id),
        Err(token) => Ok(tl::enums::auth::LoginToken::Token(tl::types::auth::LoginToken {
            expires: now_unix() + LOGIN_TOKEN_LIFETIME.as_secs() as i32,
            token,
        })),
    }
}

/// `auth.importLoginToken`: ends a login that another data centre began and sent here.
pub(super) async fn import_login_token(
    caller: &Caller,
    call: tl::functions::auth::ImportLoginToken,
) -> Result<tl::enums::auth::LoginToken, RpcError> {
    let user_id = caller.accounts().import_login_token(caller.key_id, &call.token)?;
    login_token_success(caller, user_id)
}

/// `auth.exportAuthorization`
pub(super) async fn export_authorization(
    caller: &Caller,
    call: tl::functions::auth::ExportAuthorization,
) -> Result<tl::enums::auth::ExportedAuthorization, RpcError> {
    let me = caller.user()?;
    if call.dc_id == caller.server.dc_id || caller.server.address_of(call.dc_id).is_none() {
        return Err(RpcError::bad("DC_ID_INVALID"));
    }
    let bytes = caller.accounts().export_login(me, call.dc_id);
    Ok(tl::enums::auth::ExportedAuthorization::Authorization(tl::types::auth::ExportedAuthorization { id: me, bytes }))
}

/// `auth.importAuthorization`
pub(super) async fn import_authorization(
    caller: &Caller,
    call: tl::functions::auth::ImportAuthorization,
) -> Result<tl::enums::auth::Authorization, RpcError> {
    let user_id = caller.accounts().import_login(caller.key_id, caller.server.dc_id, call.id, &call.bytes)?;
    authorization(caller, user_id)
}

/// `auth.acceptLoginToken`
pub(super) async fn accept_login_token(
    caller: &Caller,
    call: tl::functions::auth::AcceptLoginToken,
) -> Result<tl::enums::Authorization, RpcError> {
    let user_id = caller.user()?;
    let key_id = caller.accounts().accept_login_token(&call.token, user_id)?;
    let device = Device { active_unix: now_unix(), ..Device::default() };
    Ok(devices::authorization(ActiveSession { hash: key_id, device, since_unix: now_unix() }))
}

fn login_token_success(caller: &Caller, user_id: i64) -> Result<tl::enums::auth::LoginToken, RpcError> {
    let authorization = authorization(caller, user_id)?;
    let success = tl::types::auth::LoginTokenSuccess { authorization };
    Ok(tl::enums::auth::LoginToken::Success(success))
}

fn authorization(caller: &Caller, user_id: i64) -> Result<tl::enums::auth::Authorization, RpcError> {
    let user = caller.world().read(|state| tl_view::user(state, user_id, user_id));
    let user = user.ok_or_else(|| RpcError::internal("an account without a user"))?;
    Ok(tl::enums::auth::Authorization::Authorization(tl::types::auth::Authorization {
        setup_password_required: false,
        otherwise_relogin_days: None,
        tmp_sessions: None,
        future_auth_token: None,
        user,
    }))
}

fn sent(phone_code_hash: String) -> tl::enums::auth::SentCode {
    let app = tl::types::auth::SentCodeTypeApp { length: CODE_LENGTH };
    tl::enums::auth::SentCode::Code(tl::types::auth::SentCode {
        r#type: tl::enums::auth::SentCodeType::App(app),
        phone_code_hash,
        next_type: None,
        timeout: None,
    })
}

fn check_api_id(api_id: i32) -> Result<(), RpcError> {
    if api_id <= 0 {
        return Err(RpcError::bad("API_ID_INVALID"));
    }
    Ok(())
}
