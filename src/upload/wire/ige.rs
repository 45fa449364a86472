//! AES-256 in the IGE mode of MTProto, encrypting in place: one message, or several at once.
//!
//! In: whole blocks, a key, two starting blocks. Out: the same bytes encrypted. Must not: know what they are.
//! The block cipher is the crate's; only the chaining is here, inside the crate's back end, so that the round keys and the chain stay in
//! registers. Going into the back end anew for each block, as `grammers_crypto::aes::ige_encrypt` does, takes several times as long.
//! Each block of a message needs the one before, so the processor's AES unit is idle most of the time. Messages whose blocks are
//! encrypted in turns are all done in little more than the time of one.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes256Enc, Block};

const BLOCK_BYTES: usize = 16;

/// Encrypts `bytes`, a whole number of blocks of 16 bytes (what is left over at the end stays as it is).
///
/// `c[i] = E(p[i] ^ c[i-1]) ^ p[i-1]`, where `iv` is `c[-1]` and then `p[-1]`:
/// <https://core.telegram.org/mtproto/description#encrypted-message>.
pub fn encrypt(bytes: &mut [u8], key: &[u8; 32], iv: &[u8; 32]) {
    let (blocks, mut chain) = Message { bytes, key: *key, iv: *iv }.begin();
    Aes256Enc::new(key.into()).encrypt_with_backend(Alone { blocks, chain: &mut chain });
}

/// Bytes and what they are encrypted with, as for [`encrypt`].
pub(super) struct Message<'a> {
    pub(super) bytes: &'a mut [u8],
    pub(super) key: [u8; 32],
    pub(super) iv: [u8; 32],
}

/// The most messages that [`encrypt_together`] encrypts at once. More than these would wait for the AES unit, no longer for each other's blocks.
pub(crate) const TOGETHER: usize = 4;

/// Encrypts messages, up to [`TOGETHER`] of them in turns.
pub(super) fn encrypt_together(messages: Vec<Message<'_>>) {
    let mut turns: Vec<Turn<'_>> = messages.into_iter().map(Turn::new).collect();
    for turns in turns.chunks_mut(TOGETHER) {
        let count = turns.iter().map(|turn| turn.blocks.len()).min().unwrap_or(0);
        let in_turns = Repeat { count };
        match turns {
            [one, two, three, four] => in_turns.with(one).with(two).with(three).with(four).begin(Nobody),
            [one, two, three] => in_turns.with(one).with(two).with(three).begin(Nobody),
            [one, two] => in_turns.with(one).with(two).begin(Nobody),
            _ => {}
        }
        // What the shortest of them does not have, and one alone.
        for Turn { cipher, blocks, chain, done } in turns {
            cipher.encrypt_with_backend(Alone { blocks: &mut blocks[*done..], chain });
        }
    }
}

impl<'a> Message<'a> {
    fn begin(self) -> (&'a mut [[u8; BLOCK_BYTES]], Chain) {
        let (mut before_c, mut before_p) = ([0; BLOCK_BYTES], [0; BLOCK_BYTES]);
        before_c.copy_from_slice(&self.iv[..BLOCK_BYTES]);
        before_p.copy_from_slice(&self.iv[BLOCK_BYTES..]);
        let chain = Chain { before_c: u128::from_ne_bytes(before_c), before_p: u128::from_ne_bytes(before_p) };
        (self.bytes.as_chunks_mut().0, chain)
    }
}

/// What the next block of a message needs of the one before.
#[derive(Clone, Copy)]
struct Chain {
    before_c: u128,
    before_p: u128,
}

impl Chain {
    #[inline(always)]
    fn encrypt<B: BlockCipherEncBackend<BlockSize = U16>>(&mut self, place: &mut [u8; BLOCK_BYTES], backend: &B) {
        let p = u128::from_ne_bytes(*place);
        let mut block = Block::from((p ^ self.before_c).to_ne_bytes());
        backend.encrypt_block((&mut block).into());
        self.before_c = u128::from_ne_bytes(block.into()) ^ self.before_p;
        self.before_p = p;
        *place = self.before_c.to_ne_bytes();
    }
}

/// Blocks of one message.
struct Alone<'a> {
    blocks: &'a mut [[u8; BLOCK_BYTES]],
    chain: &'a mut Chain,
}

impl BlockSizeUser for Alone<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Alone<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut chain = *self.chain;
        self.blocks.iter_mut().for_each(|place| chain.encrypt(place, backend));
        *self.chain = chain;
    }
}

/// A message of several that are encrypted in turns.
struct Turn<'a> {
    cipher: Aes256Enc,
    blocks: &'a mut [[u8; BLOCK_BYTES]],
    chain: Chain,
    /// Blocks that are encrypted.
    done: usize,
}

impl<'a> Turn<'a> {
    fn new(message: Message<'a>) -> Self {
        let cipher = Aes256Enc::new((&message.key).into());
        let (blocks, chain) = message.begin();
        Self { cipher, blocks, chain, done: 0 }
    }
}

/// Those whose back ends have been entered, the last first: a list in types, so that all of it ends up in one loop.
trait Entered {
    /// The next block of each.
    fn step(&mut self, block: usize);
    /// Notes how far they are.
    fn leave(self, count: usize);
}

struct Nobody;

impl Entered for Nobody {
    #[inline(always)]
    fn step(&mut self, _: usize) {}

    #[inline(always)]
    fn leave(self, _: usize) {}
}

struct Inside<'t, 'a, B, E> {
    turn: &'t mut Turn<'a>,
    chain: Chain,
    backend: &'t B,
    others: E,
}

impl<B: BlockCipherEncBackend<BlockSize = U16>, E: Entered> Entered for Inside<'_, '_, B, E> {
    #[inline(always)]
    fn step(&mut self, block: usize) {
        self.chain.encrypt(&mut self.turn.blocks[block], self.backend);
        self.others.step(block);
    }

    #[inline(always)]
    fn leave(self, count: usize) {
        (self.turn.chain, self.turn.done) = (self.chain, count);
        self.others.leave(count);
    }
}

/// What happens once some back ends are entered: another one is, or the blocks are encrypted.
trait Then: Sized {
    fn begin<E: Entered>(self, entered: E);

    /// After this message's back end.
    #[inline(always)]
    fn with<'t, 'a>(self, turn: &'t mut Turn<'a>) -> Enter<'t, 'a, Self> {
        Enter { turn, then: self }
    }
}

struct Repeat {
    count: usize,
}

impl Then for Repeat {
    #[inline(always)]
    fn begin<E: Entered>(self, mut entered: E) {
        for block in 0..self.count {
            entered.step(block);
        }
        entered.leave(self.count);
    }
}

struct Enter<'t, 'a, T> {
    turn: &'t mut Turn<'a>,
    then: T,
}

impl<T: Then> Then for Enter<'_, '_, T> {
    #[inline(always)]
    fn begin<E: Entered>(self, entered: E) {
        let cipher = self.turn.cipher.clone();
        cipher.encrypt_with_backend(Entering { turn: self.turn, then: self.then, entered });
    }
}

struct Entering<'t, 'a, T, E> {
    turn: &'t mut Turn<'a>,
    then: T,
    entered: E,
}

impl<T, E> BlockSizeUser for Entering<'_, '_, T, E> {
    type BlockSize = U16;
}

impl<T: Then, E: Entered> BlockCipherEncClosure for Entering<'_, '_, T, E> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let chain = self.turn.chain;
        self.then.begin(Inside { turn: self.turn, chain, backend, others: self.entered });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn some_message() -> impl Strategy<Value = (Vec<u8>, [u8; 32], [u8; 32])> {
        let bytes = prop::collection::vec(any::<[u8; 16]>(), 0..40).prop_map(|blocks| blocks.concat());
        (bytes, any::<[u8; 32]>(), any::<[u8; 32]>())
    }

    proptest! {
        #[test]
        fn it_is_what_grammers_makes_and_takes_back((plain, key, iv) in some_message()) {
            let (mut ours, mut theirs) = (plain.clone(), plain.clone());
            encrypt(&mut ours, &key, &iv);
            grammers_crypto::aes::ige_encrypt(&mut theirs, &key, &iv);
            prop_assert_eq!(&ours, &theirs);
            grammers_crypto::aes::ige_decrypt(&mut ours, &key, &iv);
            prop_assert_eq!(ours, plain);
        }

        #[test]
        fn several_at_once_are_as_one_after_the_other(mut messages in prop::collection::vec(some_message(), 0..=TOGETHER + 2)) {
            let expected: Vec<Vec<u8>> = messages.iter().map(|(plain, key, iv)| {
                let mut bytes = plain.clone();
                grammers_crypto::aes::ige_encrypt(&mut bytes, key, iv);
                bytes
            }).collect();
            encrypt_together(messages.iter_mut().map(|(bytes, key, iv)| Message { bytes, key: *key, iv: *iv }).collect());
            let encrypted: Vec<Vec<u8>> = messages.into_iter().map(|(bytes, ..)| bytes).collect();
            prop_assert_eq!(encrypted, expected);
        }
    }
}
