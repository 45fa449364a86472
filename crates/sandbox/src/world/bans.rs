//! Members of a channel who may not write.
//!
//! In: a member and whether they are silenced. Out: the `banned` of a channel, which holds both who was sent away and who has to be silent: the latter are
//! members. It must not judge who may do that.

use super::State;

impl State {
    /// Takes a member's right to write, or gives everything back that was taken from a user. `false` if there is no such channel.
    pub fn silence(&mut self, channel: i64, user: i64, silent: bool) -> bool {
        let Some(found) = self.channels.get_mut(&channel).filter(|channel| !channel.deleted) else {
            return false;
        };
        match silent {
            true => {
                found.admins.remove(&user);
                found.banned.insert(user);
            }
            false => {
                found.banned.remove(&user);
            }
        }
        true
    }
}
