//! The network's promises, kept on paused time over pipes in memory.
//!
//! In: readers that several writers feed without a pause. Out: how much came when. Must not: depend on the machine's speed.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::Instant;

use super::metered::Source;
use super::{Metered, Network, NetworkShape};

impl Source for DuplexStream {
    fn set_capped(&self, _: bool) -> io::Result<()> {
        Ok(())
    }
}

/// A connection of `user` whose client always has something to send.
fn busy_connection(network: &Network, user: i64) -> Metered<DuplexStream> {
    let (mut client, server) = tokio::io::duplex(256 * 1024);
    tokio::spawn(async move {
        // Ends when the reader is dropped.
        while client.write_all(&[7; 64 * 1024]).await.is_ok() {}
    });
    let metered = network.meter(server);
    metered.owner().set(user);
    metered
}

/// Reads for so long; gives how many bytes came.
async fn read_for(mut from: Metered<DuplexStream>, time: Duration) -> u64 {
    let end = Instant::now() + time;
    let (mut buffer, mut bytes) = (vec![0; 512 * 1024], 0);
    while let Ok(got) = tokio::time::timeout_at(end, from.read(&mut buffer)).await {
        bytes += got.expect("not cut") as u64;
    }
    bytes
}

/// Bytes that each connection brought in ten seconds; connections belong to the users named.
async fn ten_seconds(shape: NetworkShape, users: &[i64]) -> Vec<u64> {
    let network = Network::default();
    network.set(shape);
    let readers = users.iter().map(|user| tokio::spawn(read_for(busy_connection(&network, *user), Duration::from_secs(10))));
    let readers: Vec<_> = readers.collect();
    let mut bytes = Vec::new();
    for reader in readers {
        bytes.push(reader.await.expect("reads"));
    }
    bytes
}

const RATE: u64 = 20_000_000;

#[tokio::test(start_paused = true)]
async fn eight_connections_reach_eight_times_the_cap_of_one() {
    let shape = NetworkShape { connection_bytes_per_s: Some(RATE / 8), account_bytes_per_s: Some(RATE), ..NetworkShape::default() };
    let one: u64 = ten_seconds(shape, &[1]).await.iter().sum();
    assert!((RATE * 10 / 8..RATE * 10 / 8 + 100_000).contains(&one), "{one}");
    let eight: u64 = ten_seconds(shape, &[1; 8]).await.iter().sum();
    assert!((RATE * 10 * 97 / 100..RATE * 10 + 1_000_000).contains(&eight), "{eight}");
}

#[tokio::test(start_paused = true)]
async fn connections_of_an_account_get_equal_shares_and_accounts_do_not_share() {
    let shape = NetworkShape { account_bytes_per_s: Some(RATE), ..NetworkShape::default() };
    let bytes = ten_seconds(shape, &[1, 1, 1, 2]).await;
    let (shared, alone) = bytes.split_at(3);
    for connection in shared {
        assert!((RATE * 10 / 3).abs_diff(*connection) < RATE * 10 / 100, "{bytes:?}");
    }
    assert!((RATE * 10 * 99 / 100..RATE * 10 + 1_000_000).contains(&alone[0]), "{bytes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_new_shape_holds_for_who_waits_already() {
    let network = Network::default();
    network.set(NetworkShape { connection_bytes_per_s: Some(0), ..NetworkShape::default() });
    let mut reader = busy_connection(&network, 1);
    let mut buffer = vec![0; 512 * 1024];
    reader.read_exact(&mut buffer[..16 * 1024]).await.expect("the first turn");
    let day = Duration::from_secs(24 * 3600);
    assert!(tokio::time::timeout(day, reader.read(&mut buffer)).await.is_err(), "nothing passes");
    let released = async {
        tokio::time::sleep(day).await;
        network.set(NetworkShape::default());
    };
    let (read, ()) = tokio::join!(reader.read_exact(&mut buffer), released);
    read.expect("as fast as it comes");
}

#[tokio::test(start_paused = true)]
async fn each_connection_is_cut_after_its_bytes() {
    let network = Network::default();
    network.set(NetworkShape { cut_after_bytes: Some(100_001), ..NetworkShape::default() });
    for _ in ["first", "second"] {
        let mut reader = busy_connection(&network, 1);
        reader.read_exact(&mut [0; 100_000]).await.expect("before the cut");
        let failed = reader.read(&mut [0; 10]).await.expect_err("cut");
        assert_eq!(failed.kind(), io::ErrorKind::ConnectionReset);
    }
}

#[tokio::test(start_paused = true)]
async fn one_cut_falls_on_the_connection_that_brings_the_byte() {
    let network = Network::default();
    let (mut first, mut second) = (busy_connection(&network, 1), busy_connection(&network, 2));
    network.cut_after(100_000);
    first.read_exact(&mut [0; 60_000]).await.expect("before the cut");
    second.read_exact(&mut [0; 39_999]).await.expect("before the cut");
    first.read(&mut [0; 10]).await.expect_err("cut");
    second.read_exact(&mut vec![0; 500_000]).await.expect("only one is cut");
}

#[tokio::test(start_paused = true)]
async fn the_delay_is_kept_until_another_one_is_set() {
    let network = Network::default();
    let start = Instant::now();
    network.delayed(start).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    let delay = |ms| network.set(NetworkShape { delay: Duration::from_millis(ms), ..NetworkShape::default() });
    delay(60);
    network.delayed(start).await;
    network.delayed(start).await;
    assert_eq!(start.elapsed(), Duration::from_millis(60), "who is due at the same time goes at the same time");
    delay(1000);
    let shorter = async {
        tokio::time::sleep(Duration::from_millis(40)).await;
        delay(200);
    };
    tokio::join!(network.delayed(start), shorter);
    assert_eq!(start.elapsed(), Duration::from_millis(200));
}
