//! `/start`, `/help`, `/status`, `/cancel`.
//!
//! In: a command of a person. Out: a text. Must not: show anybody else's jobs.

use teloxide::types::Message;

use crate::bot::commands::Command;
use crate::bot::desk::Desk;
use crate::i18n::format::{cut, escape};
use crate::i18n::{Arg, Texts};
use crate::model::{Failure, Job, Stage, UserId};

/// Jobs listed by `/status`; more than this does not fit one message well.
const LISTED: usize = 20;

/// Answers a command.
pub(in crate::bot) async fn answer(desk: Desk, message: Message, command: Command) -> Result<(), Failure> {
    let Some(person) = message.from.as_ref() else { return Ok(()) };
    let texts = desk.texts(person);
    let user = UserId(person.id.0 as i64);
    let text = match command {
        Command::Start => texts.get("start"),
        Command::Help => texts.with("help", &[("links", desk.config.max_links_per_message.into())]),
        Command::Status => status(&texts, &desk.intake.unfinished(user).await?),
        Command::Cancel => match desk.intake.cancel_all(user).await? {
            0 => texts.get("cancel-none"),
            count => texts.with("cancel-done", &[("count", count.into())]),
        },
    };
    desk.answers.reply(&message, text).await;
    Ok(())
}

fn status(texts: &Texts, jobs: &[Job]) -> String {
    if jobs.is_empty() {
        return texts.get("status-none");
    }
    let mut lines = vec![texts.with("status-list", &[("count", jobs.len().into())])];
    lines.extend(jobs.iter().take(LISTED).zip(1usize..).map(|(job, number)| {
        let title = job.title.as_deref().map(str::trim).filter(|title| !title.is_empty()).unwrap_or_else(|| job.link.host());
        let title = format!("<i>{}</i>", escape(&cut(title, 80)).replace('\n', " "));
        texts.with("status-line", &[("number", number.into()), ("title", Arg::Html(title)), ("stage", Arg::Html(stage(texts, job.stage)))])
    }));
    if jobs.len() > LISTED {
        lines.push(texts.with("status-more", &[("count", (jobs.len() - LISTED).into())]));
    }
    lines.join("\n")
}

fn stage(texts: &Texts, stage: Stage) -> String {
    texts.get(match stage {
        Stage::Inspect => "stage-inspect",
        Stage::Choose => "stage-choose",
        Stage::Fetch => "stage-fetch",
        Stage::Media => "stage-media",
        Stage::Upload => "stage-upload",
        Stage::Deliver => "stage-deliver",
        Stage::Done => "stage-done",
        Stage::Failed => "stage-failed",
        Stage::Cancelled => "stage-cancelled",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChatId, JobId, Link};

    fn job(number: i64, title: Option<&str>, stage: Stage) -> Job {
        Job {
            id: JobId(number),
            user: UserId(1),
            chat: ChatId(1),
            request_message: None,
            status_message: None,
            link: Link::parse("https://www.example.org/v").unwrap(),
            choice: None,
            language: "en".into(),
            stage,
            title: title.map(str::to_owned),
            attempts: 0,
            subtitles: None,
        }
    }

    #[test]
    fn jobs_are_listed_with_how_far_they_are() {
        let texts = Texts::new("en");
        insta::assert_snapshot!(status(&texts, &[]), @"Nothing is under way for you. Send me a link to start something.");
        insta::assert_snapshot!(status(&texts, &[job(4, None, Stage::Choose)]), @"
        <b>One job is not done yet</b>
        1. <i>example.org</i> – waiting for your choice
        ");
        insta::assert_snapshot!(status(&texts, &[job(4, Some("A\n<b>"), Stage::Fetch), job(5, Some("  "), Stage::Upload)]), @"
        <b>2 jobs are not done yet</b>
        1. <i>A &lt;b&gt;</i> – downloading or in the queue for it
        2. <i>example.org</i> – being uploaded
        ");
    }

    #[test]
    fn a_long_list_fits_one_message() {
        let title = "🦀".repeat(200);
        let jobs: Vec<Job> = (1..=50).map(|number| job(number, Some(&title), Stage::Fetch)).collect();
        let text = status(&Texts::new("en"), &jobs);
        assert!(text.ends_with("… and 30 more"), "{text}");
        assert!(text.encode_utf16().count() < 4096);
    }
}
