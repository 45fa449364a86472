//! The methods that are served, by family.
//!
//! In: a call's constructor number and body. Out: the bytes of its answer, or an error. A method that is not served is refused by name and
//! recorded, so that a test can fail on it. It must not know about connections.

use bytes::Bytes;
use grammers_tl_types::{self as tl, Identifiable, RemoteCall, Serializable};

use super::dispatch::Caller;
use super::rpc_error::RpcError;

mod albums;
mod arguments;
mod auth;
mod channels;
mod contacts;
mod devices;
mod download;
mod forward;
mod help;
mod history;
mod media;
mod members;
mod membership;
mod messages;
mod topics;
mod updates;
mod upload;

macro_rules! serve {
    ($caller:ident, $id:ident, $method:ident, $arguments:ident; $($($name:ident)::+ => $handler:path),* $(,)?) => {
        match $id {
            $(tl::functions::$($name)::+::CONSTRUCTOR_ID => {
                let call = arguments::read::<tl::functions::$($name)::+>($arguments).inspect_err(|_| {
                    $caller.world().refuse(format!("arguments of {} cannot be read", $method));
                })?;
                let answer: <tl::functions::$($name)::+ as RemoteCall>::Return = $handler($caller, call).await?;
                Ok(answer.to_bytes())
            })*
            _ => {
                $caller.world().refuse(format!("mtproto {}", $method));
                Err(RpcError::bad(format!("METHOD_NOT_SERVED_{}", $method)))
            }
        }
    };
}

/// Methods that bots may not call: "Only users can use this method" on their pages under <https://core.telegram.org/methods>.
const NOT_FOR_BOTS: &[&str] = &[
    "account.getAuthorizations",
    "account.getPassword",
    "account.resetAuthorization",
    "auth.resetAuthorizations",
    "auth.exportLoginToken",
    "auth.acceptLoginToken",
    "channels.checkUsername",
    "channels.createChannel",
    "channels.deleteChannel",
    "channels.inviteToChannel",
    "channels.joinChannel",
    "channels.toggleForum",
    "channels.updateUsername",
    "help.getAppConfig",
    "help.getNearestDc",
    "messages.getDialogs",
    "messages.getForumTopics",
    "messages.getHistory",
    "messages.getReplies",
    "messages.search",
];

/// Runs a call that is unwrapped already.
pub(super) async fn run(caller: &Caller, id: u32, method: &str, body: Bytes) -> Result<Vec<u8>, RpcError> {
    // Parts of files are not copied into the call's own type.
    if let Some(big) = upload::is_part(id) {
        return Ok(upload::save_part(caller, body, big).await?.to_bytes());
    }
    if NOT_FOR_BOTS.contains(&method) && caller.is_bot() {
        return Err(RpcError::bad("BOT_METHOD_INVALID"));
    }
    let arguments = body.get(4..).unwrap_or_default();
    serve!(caller, id, method, arguments;
        help::GetConfig => help::get_config,
        help::GetAppConfig => help::get_app_config,
        help::GetNearestDc => help::get_nearest_dc,
        auth::SendCode => auth::send_code,
        auth::ResendCode => auth::resend_code,
        auth::CancelCode => auth::cancel_code,
        auth::SignIn => auth::sign_in,
        auth::CheckPassword => auth::check_password,
        auth::LogOut => auth::log_out,
        auth::ExportLoginToken => auth::export_login_token,
        auth::ImportLoginToken => auth::import_login_token,
        auth::AcceptLoginToken => auth::accept_login_token,
        auth::ImportBotAuthorization => auth::import_bot_authorization,
        auth::ExportAuthorization => auth::export_authorization,
        auth::ImportAuthorization => auth::import_authorization,
        auth::ResetAuthorizations => devices::reset_authorizations,
        account::GetAuthorizations => devices::get_authorizations,
        account::ResetAuthorization => devices::reset_authorization,
        account::GetPassword => auth::get_password,
        users::GetUsers => contacts::get_users,
        users::GetFullUser => contacts::get_full_user,
        contacts::ResolveUsername => contacts::resolve_username,
        updates::GetState => updates::get_state,
        updates::GetDifference => updates::get_difference,
        updates::GetChannelDifference => updates::get_channel_difference,
        channels::CreateChannel => channels::create_channel,
        channels::DeleteChannel => channels::delete_channel,
        channels::GetChannels => channels::get_channels,
        channels::GetFullChannel => channels::get_full_channel,
        channels::GetParticipant => members::get_participant,
        channels::GetParticipants => members::get_participants,
        channels::InviteToChannel => members::invite_to_channel,
        channels::EditAdmin => members::edit_admin,
        channels::EditBanned => membership::edit_banned,
        channels::JoinChannel => membership::join_channel,
        channels::LeaveChannel => membership::leave_channel,
        channels::CheckUsername => membership::check_username,
        channels::UpdateUsername => membership::update_username,
        channels::GetMessages => history::get_channel_messages,
        channels::ToggleForum => topics::toggle_forum,
        channels::DeleteMessages => messages::delete_channel_messages,
        messages::GetMessages => history::get_messages,
        messages::GetHistory => history::get_history,
        messages::GetReplies => history::get_replies,
        messages::CreateForumTopic => topics::create,
        messages::EditForumTopic => topics::edit,
        messages::GetForumTopics => topics::get,
        messages::GetForumTopicsById => topics::get_by_id,
        messages::DeleteTopicHistory => topics::delete,
        messages::Search => history::search,
        messages::GetDialogs => history::get_dialogs,
        messages::SendMessage => messages::send_message,
        messages::SendMedia => media::send_media,
        messages::UploadMedia => albums::upload_media,
        messages::SendMultiMedia => albums::send_multi_media,
        messages::ForwardMessages => forward::forward_messages,
        messages::EditMessage => messages::edit_message,
        messages::DeleteMessages => messages::delete_messages,
        upload::GetFile => download::get_file,
    )
}
