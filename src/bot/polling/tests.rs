//! Polling against a scripted Telegram, in paused time.
//!
//! In: scripts. Out: what was asked and handled when. Must not: open a socket.

use std::collections::VecDeque;
use std::sync::Mutex;

use teloxide::types::Seconds;
use tokio::time::Instant;

use super::*;

/// Telegram's side: the updates that are not confirmed yet, and errors to give first.
struct Scripted {
    start: Instant,
    pending: Mutex<Vec<Update>>,
    errors: Mutex<VecDeque<RequestError>>,
    /// How often the handler fails for an update.
    fail: Mutex<Vec<(u32, u32)>>,
    log: Mutex<Vec<String>>,
    shutdown: CancellationToken,
}

impl Scripted {
    fn new(updates: &[(u32, i64)], errors: Vec<RequestError>, fail: &[(u32, u32)]) -> Self {
        Self {
            start: Instant::now(),
            pending: Mutex::new(updates.iter().map(|(id, chat)| update(*id, *chat)).collect()),
            errors: Mutex::new(errors.into()),
            fail: Mutex::new(fail.to_vec()),
            log: Mutex::default(),
            shutdown: CancellationToken::new(),
        }
    }

    fn note(&self, text: String) {
        self.log.lock().unwrap().push(format!("{}s {text}", self.start.elapsed().as_secs()));
    }

    async fn run(self) -> (Vec<String>, usize) {
        poll(&self, &self.shutdown).await.unwrap();
        let left = self.pending.lock().unwrap().len();
        (self.log.into_inner().unwrap(), left)
    }
}

impl Source for Scripted {
    async fn updates(&self, offset: Option<i32>, at_once: bool) -> Result<Vec<Update>, RequestError> {
        if let Some(error) = self.errors.lock().unwrap().pop_front() {
            self.note("error".into());
            return Err(error);
        }
        if let Some(offset) = offset {
            self.pending.lock().unwrap().retain(|update| update.id.as_offset() > offset); // as_offset is the one after it
        }
        let batch = self.pending.lock().unwrap().clone();
        self.note(format!("asked from {offset:?}{}", if at_once { " at once" } else { "" }));
        if batch.is_empty() && !at_once {
            self.shutdown.cancel();
            std::future::pending::<()>().await;
        }
        Ok(batch)
    }

    async fn drop_webhook(&self) -> Result<(), RequestError> {
        self.note("webhook dropped".into());
        Ok(())
    }

    async fn handle(&self, update: Update) -> Result<(), Failure> {
        let id = update.id.0;
        if let Some((_, left)) = self.fail.lock().unwrap().iter_mut().find(|(failing, left)| *failing == id && *left > 0) {
            *left -= 1;
            self.note(format!("{id} failed"));
            return Err(Failure::internal(anyhow::anyhow!("the database is away")));
        }
        self.note(format!("{id} handled"));
        Ok(())
    }

    async fn apologise(&self, update: Update) {
        self.note(format!("sorry for {}", update.id.0));
    }
}

fn update(id: u32, chat: i64) -> Update {
    let update = serde_json::json!({
        "update_id": id,
        "message": {
            "message_id": id, "date": 0, "text": "hello",
            "chat": {"id": chat, "type": "private", "first_name": "Ann"},
            "from": {"id": chat, "is_bot": false, "first_name": "Ann"},
        }
    });
    // Read from text, as it comes over the wire: teloxide reads it another way from a value.
    serde_json::from_str(&update.to_string()).unwrap()
}

fn unknown(text: &str) -> RequestError {
    RequestError::Api(ApiError::Unknown(text.into()))
}

#[tokio::test(start_paused = true)]
async fn updates_are_confirmed_after_they_are_handled() {
    let (log, left) = Scripted::new(&[(5, 1), (6, 2)], vec![], &[]).run().await;
    assert_eq!(log, ["0s asked from None", "0s 5 handled", "0s 6 handled", "0s asked from Some(7)", "0s asked from Some(7) at once"]);
    assert_eq!(left, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_update_comes_again_and_holds_up_only_its_own_chat() {
    let (log, left) = Scripted::new(&[(5, 1), (6, 1), (7, 2)], vec![], &[(5, 2)]).run().await;
    assert_eq!(
        log,
        [
            "0s asked from None",
            "0s 5 failed",
            "0s 7 handled",
            "1s asked from Some(5)",
            "1s 5 failed",
            "3s asked from Some(5)",
            "3s 5 handled",
            "3s 6 handled",
            "3s asked from Some(8)",
            "3s asked from Some(8) at once",
        ]
    );
    assert_eq!(left, 0);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_never_works_is_given_up_with_an_apology() {
    let (log, left) = Scripted::new(&[(5, 1), (6, 1)], vec![], &[(5, 1000)]).run().await;
    assert!(log.iter().any(|line| line.ends_with("sorry for 5")), "{log:?}");
    assert_eq!(log.iter().filter(|line| line.ends_with("6 handled")).count(), 1);
    assert_eq!(left, 0);
}

#[tokio::test(start_paused = true)]
async fn trouble_with_telegram_is_waited_out() {
    let errors = vec![
        unknown("Bad Gateway"),
        RequestError::Api(ApiError::TerminatedByOtherGetUpdates),
        RequestError::RetryAfter(Seconds::from_seconds(20)),
        unknown("Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"),
    ];
    let (log, _) = Scripted::new(&[(5, 1)], errors, &[]).run().await;
    assert_eq!(log[..7], ["0s error", "1s error", "3s error", "27s error", "27s webhook dropped", "35s asked from None", "35s 5 handled"]);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_token_is_an_error_at_once() {
    let source = Scripted::new(&[], vec![RequestError::Api(ApiError::InvalidToken)], &[]);
    assert!(poll(&source, &source.shutdown).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_a_pause() {
    let source = Scripted::new(&[], vec![RequestError::RetryAfter(Seconds::from_seconds(9000))], &[]);
    let stop = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        source.shutdown.cancel();
    };
    let (ended, ()) = tokio::join!(poll(&source, &source.shutdown), stop);
    ended.unwrap();
    assert_eq!(source.start.elapsed(), Duration::from_secs(5));
}
