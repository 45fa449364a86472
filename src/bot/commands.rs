//! The commands, as Telegram shows them in its menu.
//!
//! In: text of a message. Out: [`Command`]. Must not: answer.

use teloxide::Bot;
use teloxide::payloads::SetMyCommandsSetters;
use teloxide::requests::Requester;
use teloxide::types::BotCommand;
use teloxide::utils::command::BotCommands;

use crate::i18n::{Texts, languages};
use crate::telegram::patience::{Patience, patiently};

/// What can be asked for with a slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BotCommands)]
#[command(rename_rule = "lowercase")]
pub(super) enum Command {
    /// Who the bot is.
    Start,
    /// How it works.
    Help,
    /// The person's unfinished jobs.
    Status,
    /// Stop them all.
    Cancel,
}

/// Puts the commands into the menu, in each language there is. Without it everything works, so a failure is only logged.
pub(super) async fn announce(bot: Bot) {
    for language in languages() {
        let commands = menu(&Texts::new(&language));
        // English stands for everybody whose language is not listed; Telegram takes two letters alone.
        let code = Some(language).filter(|language| language != "en" && language.len() == 2);
        let answer = patiently(Patience::SHORT, || {
            let call = bot.set_my_commands(commands.clone());
            match &code {
                Some(code) => call.language_code(code).into_future(),
                None => call.into_future(),
            }
        });
        if let Err(error) = answer.await {
            tracing::warn!(%error, "the menu of commands could not be set");
        }
    }
}

fn menu(texts: &Texts) -> Vec<BotCommand> {
    let entry = |name: &str, key: &str| BotCommand::new(name, texts.get(key));
    vec![
        entry("start", "command-start"),
        entry("help", "command-help"),
        entry("status", "command-status"),
        entry("cancel", "command-cancel"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_also_with_our_name_and_with_words_after_them() {
        for (text, expected) in [
            ("/start", Some(Command::Start)),
            ("/start payload", Some(Command::Start)),
            ("/help@ferry_bot", Some(Command::Help)),
            ("/help@FERRY_bot", Some(Command::Help)),
            ("/help@other_bot", None),
            ("/nonsense", None),
            ("start", None),
        ] {
            assert_eq!(Command::parse(text, "ferry_bot").ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_menu_names_every_command() {
        let menu = menu(&Texts::new("en"));
        let names: Vec<String> = menu.iter().map(|entry| format!("/{}", entry.command)).collect();
        let known: Vec<String> = Command::bot_commands().into_iter().map(|command| command.command).collect();
        assert_eq!(names, known);
        assert!(menu.iter().all(|entry| (3..=256).contains(&entry.description.len())));
    }
}
