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
