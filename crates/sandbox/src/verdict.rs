//! What a test must not leave behind: faults that never came to pass, and calls that were not understood.
//!
//! In: the world and the rules. Out: the list of them; a strict sandbox fails the test that drops it while there are any. It must not take anything back.

use crate::faults::Faults;
use crate::world::World;

/// Says it in the end.
pub(crate) struct Verdict {
    world: World,
    faults: Faults,
    strict: bool,
}

impl Verdict {
    pub(crate) fn new(world: World, faults: Faults, strict: bool) -> Self {
        Self { world, faults, strict }
    }

    /// One line for each.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let refused = self.world.read(|state| state.refusals.clone());
        let refused = refused.into_iter().map(|what| format!("refused: {what}"));
        refused.chain(self.faults.unconsumed().into_iter().map(|rule| format!("never happened: {rule}"))).collect()
    }
}

impl Drop for Verdict {
    fn drop(&mut self) {
        // A test that fails already says more by itself; and a panic during another one would end the whole process.
        if self.strict && !std::thread::panicking() {
            let left = self.leftovers();
            assert!(left.is_empty(), "the sandbox was left with\n{}", left.join("\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{Fault, When};
    use crate::limits::Limits;

    fn left_behind(strict: bool, leave: impl FnOnce(&World, &Faults)) -> Verdict {
        let (world, faults) = (World::new(std::path::Path::new("nowhere"), Limits::default()), Faults::default());
        leave(&world, &faults);
        Verdict::new(world, faults, strict)
    }

    #[test]
    #[should_panic(expected = "refused: bot api method sendDice")]
    fn a_refusal_fails_a_strict_test() {
        drop(left_behind(true, |world, _| world.refuse("bot api method sendDice")));
    }

    #[test]
    #[should_panic(expected = "never happened: sendVideo Nth(2): LoseAnswer")]
    fn a_fault_that_never_came_fails_a_strict_test() {
        drop(left_behind(true, |_, faults| {
            faults.on("sendVideo", When::Nth(2)).gives(Fault::LoseAnswer);
            faults.take("sendVideo");
        }));
    }

    #[test]
    fn what_was_taken_out_and_what_came_to_pass_is_forgiven() {
        let verdict = left_behind(true, |world, faults| {
            world.refuse("bot api method sendDice");
            assert_eq!(world.take_refusals(), ["bot api method sendDice"]);
            faults.on("sendVideo", When::Nth(1)).gives(Fault::LoseAnswer);
            faults.take("sendVideo");
        });
        assert_eq!(verdict.leftovers(), Vec::<String>::new());
        let lenient = left_behind(false, |world, _| world.refuse("bot api method sendDice"));
        assert_eq!(lenient.leftovers(), ["refused: bot api method sendDice"]);
    }
}
