//! Logging in: by code, with 2FA, by QR, as a bot; and how it ends.

use grammers_client::SignInError;
use grammers_session::updates::UpdatesLike;
use grammers_tl_types as tl;

use super::{API_ID, PHONE, Stage, refusal, told};

const PASSWORD: &str = "correct horse";

fn export() -> tl::functions::auth::ExportLoginToken {
    tl::functions::auth::ExportLoginToken { api_id: API_ID, api_hash: "hash".to_owned(), except_ids: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_logs_in_and_logging_out_ends_it() {
    let stage = Stage::new().await;
    let id = stage.account(PHONE, None);
    let device = stage.device().await;
    assert!(!device.client.is_authorized().await.expect("an answer"));

    let token = device.client.request_login_code("+999 661 23-45", "hash").await.expect("a code");
    let wrong = device.client.sign_in(&token, "no").await;
    assert!(matches!(wrong, Err(SignInError::InvalidCode)), "{wrong:?}");
    let code = stage.world.login_code(PHONE).expect("the code");
    let user = device.client.sign_in(&token, &code).await.expect("the right code");
    assert_eq!((user.id().bare_id(), user.username()), (Some(id), Some("carrier")));
    assert!(device.client.is_authorized().await.expect("an answer"));
    assert_eq!(device.client.get_me().await.expect("oneself").phone(), Some("9996612345"));

    device.client.sign_out().await.expect("logged out");
    let after = device.client.invoke(&tl::functions::updates::GetState {}).await;
    assert_eq!(refusal(after), (401, "AUTH_KEY_UNREGISTERED".to_owned()));
    assert_eq!(stage.world.read(|state| state.refusals.clone()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_numbers_and_codes_are_named() {
    let stage = Stage::new().await;
    let client = stage.device().await.client;
    let sent = client.request_login_code("not a number", "hash").await.map(|_| ());
    assert_eq!(refusal(sent), (400, "PHONE_NUMBER_INVALID".to_owned()));
    // Telegram tells only after the right code that nobody has this number.
    let token = client.request_login_code("+9996600000", "hash").await.expect("a code");
    let code = stage.world.login_code("+9996600000").expect("the code");
    let signed_in = client.sign_in(&token, &code).await;
    assert!(matches!(signed_in, Err(SignInError::SignUpRequired)), "{signed_in:?}");

    let nobody = stage.device_with(stage.world.new_auth_key(), 0).await;
    let sent = nobody.client.request_login_code(PHONE, "hash").await.map(|_| ());
    assert_eq!(refusal(sent), (400, "CONNECTION_API_ID_INVALID".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_proved_without_being_sent() {
    let stage = Stage::new().await;
    let id = stage.account(PHONE, Some(PASSWORD));
    let client = stage.device().await.client;
    let token = client.request_login_code(PHONE, "hash").await.expect("a code");
    let code = stage.world.login_code(PHONE).expect("the code");
    let Err(SignInError::PasswordRequired(challenge)) = client.sign_in(&token, &code).await else {
        panic!("no password was asked for");
    };
    let Err(SignInError::InvalidPassword(challenge)) = client.check_password(challenge, "wrong").await else {
        panic!("a wrong password was taken");
    };
    assert!(!client.is_authorized().await.expect("an answer"));
    let user = client.check_password(challenge, PASSWORD).await.expect("the right password");
    assert_eq!(user.id().bare_id(), Some(id));
    assert!(client.is_authorized().await.expect("an answer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qr_token_accepted_elsewhere_logs_in() {
    let stage = Stage::new().await;
    let phone = stage.carrier().await;
    let mut new = stage.device().await;
    let shown = new.client.invoke(&export()).await.expect("a token");
    let tl::enums::auth::LoginToken::Token(shown) = shown else {
        panic!("no token: {shown:?}");
    };
    let accept = tl::functions::auth::AcceptLoginToken { token: shown.token };
    phone.client.invoke(&accept).await.expect("accepted");
    let twice = phone.client.invoke(&accept).await;
    assert_eq!(refusal(twice), (400, "AUTH_TOKEN_ALREADY_ACCEPTED".to_owned()));

    let update = told(&mut new).await;
    let UpdatesLike::Updates(tl::enums::Updates::UpdateShort(update)) = update else {
        panic!("another update: {update:?}");
    };
    assert_eq!(update.update, tl::enums::Update::LoginToken);
    let done = new.client.invoke(&export()).await.expect("logged in");
    assert!(matches!(done, tl::enums::auth::LoginToken::Success(_)), "{done:?}");
    assert!(new.client.is_authorized().await.expect("an answer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qr_login_asks_for_the_password_too() {
    let stage = Stage::new().await;
    stage.account(PHONE, Some(PASSWORD));
    let new = stage.device().await;
    let shown = new.client.invoke(&export()).await.expect("a token");
    let tl::enums::auth::LoginToken::Token(shown) = shown else {
        panic!("no token: {shown:?}");
    };
    stage.world.accept_login_token(&shown.token, PHONE).expect("scanned");
    let next = new.client.invoke(&export()).await;
    assert_eq!(refusal(next), (401, "SESSION_PASSWORD_NEEDED".to_owned()));
    let password = new.client.invoke(&tl::functions::account::GetPassword {}).await.expect("the challenge");
    let challenge = grammers_client::client::PasswordToken::new(password.into());
    new.client.check_password(challenge, PASSWORD).await.expect("the right password");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_logs_in_by_its_token() {
    let stage = Stage::new().await;
    let bot = stage.world.change(|state| state.add_bot("ferry_bot"));
    let client = stage.device().await.client;
    let wrong = client.bot_sign_in("1:no", "hash").await;
    assert_eq!(refusal(wrong), (400, "ACCESS_TOKEN_INVALID".to_owned()));
    let user = client.bot_sign_in(&bot.token, "hash").await.expect("the right token");
    assert!(user.is_bot() && user.id().bare_id() == Some(bot.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_session_says_so_and_other_keys_live_on() {
    let stage = Stage::new().await;
    let (first, second) = (stage.carrier().await, stage.carrier().await);
    stage.world.revoke_session(&first.auth_key);
    let state = tl::functions::updates::GetState {};
    assert_eq!(refusal(first.client.invoke(&state).await), (401, "SESSION_REVOKED".to_owned()));
    second.client.invoke(&state).await.expect("still logged in");
    assert_eq!(stage.world.revoke_account(PHONE), 1);
    assert_eq!(refusal(second.client.invoke(&state).await), (401, "SESSION_REVOKED".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_salts_do_not_disturb_and_what_is_not_served_is_refused_by_name() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    stage.world.rotate_salts();
    device.client.get_me().await.expect("asked again with the new salt");
    let refused = device.client.invoke(&tl::functions::help::GetSupport {}).await;
    assert_eq!(refusal(refused), (400, "METHOD_NOT_SERVED_help.getSupport".to_owned()));
    assert_eq!(stage.world.take_refusals(), ["mtproto help.getSupport"]);
}
