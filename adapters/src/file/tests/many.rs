//! A folder with very many files.

use std::{
    fs::File,
    time::{Instant, SystemTime},
};

use super::*;

const FILES: u32 = 25_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_five_thousand_files_are_all_taken_oldest_first_and_none_twice() {
    let root = new_root();
    let mut settings = settings(&root, Ready::Stable);
    settings.at_once = 16;
    settings.prepare().unwrap();
    let folder = root.join("so-xay-dung/ho-so");
    let begin = SystemTime::now() - Duration::from_secs(u64::from(FILES));
    for number in 0..FILES {
        // Names are in another order than times.
        let name = format!("{:05}.json", number.wrapping_mul(7_919) % FILES);
        let file = File::create(folder.join(name)).unwrap();
        file.set_modified(begin + Duration::from_secs(u64::from(number))).unwrap();
    }
    let (began, rig) = (Instant::now(), Rig::new(Scripted::new([]), settings));
    let taken = async {
        while fs::read_dir(rig.path("done")).unwrap().count() < 2 * FILES as usize {
            sleep(Duration::from_millis(250)).await;
        }
    };
    assert!(timeout(PATIENCE * 15, taken).await.is_ok(), "{:?}", rig.standing.borrow());
    println!("{FILES} files in {:?}", began.elapsed());
    let ids = rig.ids();
    let place = |id: &str| {
        let name: u32 = id.trim_end_matches(".json").parse().unwrap();
        (0..FILES).find(|number| number.wrapping_mul(7_919) % FILES == name).unwrap()
    };
    // So many are handed over together; those that far apart are never in the wrong order.
    let places: Vec<u32> = ids.iter().step_by(500).map(|id| place(id)).collect();
    assert!(places.is_sorted(), "{places:?}");
    let mut once = ids.clone();
    once.sort();
    once.dedup();
    assert_eq!((ids.len(), once.len()), (FILES as usize, FILES as usize));
    rig.stopped().await;
}
