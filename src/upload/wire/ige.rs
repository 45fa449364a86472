//! AES-256 in the IGE mode of MTProto, encrypting in place: one message, or two at once.
//!
//! In: whole blocks, a key, two starting blocks. Out: the same bytes encrypted. Must not: know what they are.
//! The block cipher is the crate's; only the chaining is here, inside the crate's back end, so that the round keys and the chain stay in
//! registers. Going into the back end anew for each block, as `grammers_crypto::aes::ige_encrypt` does, takes several times as long.
//! Each block of a message needs the one before, so the processor's AES unit is idle most of the time. Two messages whose blocks are
//! encrypted in turns are both done in the time of one.

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

/// Encrypts two messages at once.
pub(super) fn encrypt_two(first: Message<'_>, second: Message<'_>) {
    let [first_cipher, second_cipher] = [&first.key, &second.key].map(|key| Aes256Enc::new(key.into()));
    let ((first, mut first_chain), (second, mut second_chain)) = (first.begin(), second.begin());
    let in_turns = first.len().min(second.len());
    let ((first, first_rest), (second, second_rest)) = (first.split_at_mut(in_turns), second.split_at_mut(in_turns));
    let ours = Alone { blocks: first, chain: &mut first_chain };
    let theirs = Alone { blocks: second, chain: &mut second_chain };
    first_cipher.encrypt_with_backend(WithTheFirst { ours, theirs, their_cipher: &second_cipher });
    // One of the two has nothing left.
    first_cipher.encrypt_with_backend(Alone { blocks: first_rest, chain: &mut first_chain });
    second_cipher.encrypt_with_backend(Alone { blocks: second_rest, chain: &mut second_chain });
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

/// As many blocks of each of two messages, on the way into the back end of the first.
struct WithTheFirst<'a> {
    ours: Alone<'a>,
    theirs: Alone<'a>,
    their_cipher: &'a Aes256Enc,
}

impl BlockSizeUser for WithTheFirst<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for WithTheFirst<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, our_backend: &B) {
        self.their_cipher.encrypt_with_backend(InTurns { ours: self.ours, theirs: self.theirs, our_backend });
    }
}

/// The same, in the back ends of both.
struct InTurns<'a, F> {
    ours: Alone<'a>,
    theirs: Alone<'a>,
    our_backend: &'a F,
}

impl<F> BlockSizeUser for InTurns<'_, F> {
    type BlockSize = U16;
}

impl<F: BlockCipherEncBackend<BlockSize = U16>> BlockCipherEncClosure for InTurns<'_, F> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, their_backend: &B) {
        let (mut ours, mut theirs) = (*self.ours.chain, *self.theirs.chain);
        for (our_place, their_place) in self.ours.blocks.iter_mut().zip(self.theirs.blocks) {
            ours.encrypt(our_place, self.our_backend);
            theirs.encrypt(their_place, their_backend);
        }
        (*self.ours.chain, *self.theirs.chain) = (ours, theirs);
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
        fn two_at_once_are_as_one_after_the_other(mut first in some_message(), mut second in some_message()) {
            let expected = [&first, &second].map(|(plain, key, iv)| {
                let mut bytes = plain.clone();
                grammers_crypto::aes::ige_encrypt(&mut bytes, key, iv);
                bytes
            });
            let [one, other] = [&mut first, &mut second].map(|(bytes, key, iv)| Message { bytes, key: *key, iv: *iv });
            encrypt_two(one, other);
            prop_assert_eq!([first.0, second.0], expected);
        }
    }
}
