//! The server dies: whole, by one of its sessions, and again and again.

use std::{env, process::Command, time::Duration};

use super::{BACK_MAX, Bed, SENDERS};
use crate::{
    harness::{Hub, Random},
    load::{Load, Process},
};

/// How often the server is killed.
fn kills() -> u64 {
    let given = env::var("LIENTHONG_SERVER_KILLS").ok();
    given.map_or(4, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hub_outlives_its_server_and_goes_on_when_it_is_back() {
    let Some(bed) = Bed::new("killed", &[]).await else { return };
    let kills = kills();
    let mut random = Random::new(bed.seed);
    let load = bed.load();
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(random.between(100, 900))).await;
        bed.server.kill();
        load.is_turned_away(BACK_MAX).await;
        tokio::time::sleep(Duration::from_millis(random.between(0, 500))).await;
        bed.server.resume();
        load.goes_on(random.between(1, 60), BACK_MAX).await;
    }
    println!("{kills} kills of the server, {} messages", load.acknowledged());
    bed.ends(load, &["Connection refused"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_session_that_is_killed_takes_all_with_it_and_the_hub_goes_on() {
    let Some(bed) = Bed::new("session_killed", &[]).await else { return };
    let load = bed.load();
    load.goes_on(20, BACK_MAX).await;
    // The server cannot know what the dead session did to what they share: it begins anew.
    let sql = "SELECT min(pid) FROM pg_stat_activity WHERE application_name = 'lienthong'";
    let pid = bed.order(sql);
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    load.goes_on(20, BACK_MAX).await;
    assert!(bed.server.log().contains("terminated by signal 9"));
    bed.ends(load, &["PostgreSQL"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn hub_and_server_die_in_any_order() {
    let Some(mut bed) = Bed::new("both_killed", &[]).await else { return };
    let kills = kills();
    let mut random = Random::new(bed.seed);
    let load = Load::start(&bed.folder, &bed.hub, &bed.key, (SENDERS, bed.seed, Process::Dies));
    for _ in 0..kills {
        load.goes_on(random.between(1, 60), BACK_MAX).await;
        let hub_first = random.percent(50);
        if hub_first {
            bed.hub.kill9();
        }
        tokio::time::sleep(Duration::from_millis(random.between(0, 50))).await;
        bed.server.kill();
        tokio::time::sleep(Duration::from_millis(random.between(0, 50))).await;
        if !hub_first {
            bed.hub.kill9();
        }
        bed.server.resume();
        bed.hub = Hub::start(&bed.folder).await;
        load.moved_to(&bed.hub.url);
    }
    println!("{kills} kills of hub and server, {} messages", load.acknowledged());
    bed.ends(load, &["PostgreSQL"]).await;
}
