//! The network's shape as the real client meets it: caps, delays, cuts.

use std::time::Duration;

use grammers_mtsender::InvocationError;
use grammers_tl_types as tl;

use super::uploads::{bytes, save};
use super::{Device, Stage};
use crate::network::NetworkShape;

const PART: usize = 512 * 1024;

fn parts(stage: &Stage) -> u64 {
    stage.world.read(|state| state.counters.uploaded_parts)
}

fn upload(device: &Device, index: i32) -> tokio::task::JoinHandle<Result<bool, InvocationError>> {
    let client = device.client.clone();
    tokio::spawn(async move { client.invoke(&save(7, index, 9, bytes(PART))).await })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_holds_for_open_connections_until_it_is_lifted() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    upload(&device, 0).await.expect("runs").expect("stored");
    for shape in [
        NetworkShape { connection_bytes_per_s: Some(0), ..NetworkShape::default() },
        NetworkShape { account_bytes_per_s: Some(0), ..NetworkShape::default() },
    ] {
        let before = parts(&stage);
        stage.network.set(shape);
        let held = upload(&device, 1);
        let other = stage.device().await;
        // Nobody is logged in there: only the cap of a connection holds it up.
        let asked = tokio::spawn(async move { other.client.is_authorized().await });
        if shape.connection_bytes_per_s.is_none() {
            assert!(!asked.await.expect("runs").expect("answered"));
        }
        assert_eq!((parts(&stage), held.is_finished()), (before, false));
        stage.network.set(NetworkShape { connection_bytes_per_s: Some(200_000_000), ..NetworkShape::default() });
        held.await.expect("runs").expect("stored");
        assert_eq!(parts(&stage), before + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_answer_comes_after_the_effect() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    let before = stage.world.version();
    stage.network.set(NetworkShape { delay: Duration::from_secs(3600), ..NetworkShape::default() });
    let asked = tokio::spawn(async move { device.channel("Relay").await });
    stage.world.changed_after(before).await;
    assert!(!asked.is_finished());
    stage.network.set(NetworkShape::default());
    asked.await.expect("answered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_in_the_middle_of_a_part_stores_nothing_of_it() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    stage.network.cut_after(300_000);
    let gone = upload(&device, 0).await.expect("runs");
    assert!(matches!(gone, Err(InvocationError::Io(_))), "{gone:?}");
    assert_eq!(parts(&stage), 0);
    let again = device.client.invoke(&tl::functions::updates::GetState {}).await;
    again.expect("a new connection is made");
    upload(&device, 0).await.expect("runs").expect("stored");
    assert_eq!(parts(&stage), 1);
}
