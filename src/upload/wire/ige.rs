//! AES-256 in the IGE mode of MTProto, encrypting in place.
//!
//! In: whole blocks, a key, two starting blocks. Out: the same bytes encrypted. Must not: know what they are.
//! The block cipher is the crate's; only the chaining is here, inside the crate's back end, so that the round keys and the chain stay in
//! registers. Going into the back end anew for each block, as `grammers_crypto::aes::ige_encrypt` does, takes nearly twice as long.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes256Enc, Block};

const BLOCK_BYTES: usize = 16;

/// Encrypts `bytes`, a whole number of blocks of 16 bytes (what is left over at the end stays as it is).
///
/// `c[i] = E(p[i] ^ c[i-1]) ^ p[i-1]`, where `iv` is `c[-1]` and then `p[-1]`:
/// <https://core.telegram.org/mtproto/description#encrypted-message>.
pub fn encrypt(bytes: &mut [u8], key: &[u8; 32], iv: &[u8; 32]) {
    let (mut before_c, mut before_p) = ([0; BLOCK_BYTES], [0; BLOCK_BYTES]);
    before_c.copy_from_slice(&iv[..BLOCK_BYTES]);
    before_p.copy_from_slice(&iv[BLOCK_BYTES..]);
    let chain = Chain { bytes, before_c: u128::from_ne_bytes(before_c), before_p: u128::from_ne_bytes(before_p) };
    Aes256Enc::new(key.into()).encrypt_with_backend(chain);
}

struct Chain<'a> {
    bytes: &'a mut [u8],
    before_c: u128,
    before_p: u128,
}

impl BlockSizeUser for Chain<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Chain<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let Self { bytes, mut before_c, mut before_p } = self;
        for place in bytes.as_chunks_mut::<BLOCK_BYTES>().0 {
            let p = u128::from_ne_bytes(*place);
            let mut block = Block::from((p ^ before_c).to_ne_bytes());
            backend.encrypt_block((&mut block).into());
            before_c = u128::from_ne_bytes(block.into()) ^ before_p;
            before_p = p;
            *place = before_c.to_ne_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_what_grammers_makes_and_takes_back(
            blocks in prop::collection::vec(any::<[u8; 16]>(), 0..40),
            key in any::<[u8; 32]>(),
            iv in any::<[u8; 32]>(),
        ) {
            let plain = blocks.concat();
            let (mut ours, mut theirs) = (plain.clone(), plain.clone());
            encrypt(&mut ours, &key, &iv);
            grammers_crypto::aes::ige_encrypt(&mut theirs, &key, &iv);
            prop_assert_eq!(&ours, &theirs);
            grammers_crypto::aes::ige_decrypt(&mut ours, &key, &iv);
            prop_assert_eq!(ours, plain);
        }
    }
}
