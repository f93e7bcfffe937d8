//! Files and folders that mean no good, or have had bad luck.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::{ffi::OsStringExt, fs::symlink, net::UnixListener},
    process::Command,
};

use super::*;
use crate::file::{NotOpened, kinds};

#[tokio::test]
async fn links_pipes_and_sockets_are_refused_unopened() {
    let rig = Rig::start(Ready::Rename);
    let secret = rig.root.join("secret");
    fs::write(&secret, b"not theirs").unwrap();
    symlink(&secret, rig.path("link.csv")).unwrap();
    symlink("/dev/zero", rig.path("endless.csv")).unwrap();
    assert!(Command::new("mkfifo").arg(rig.path("pipe.csv")).status().unwrap().success());
    let _socket = UnixListener::bind(rig.path("socket.csv")).unwrap();
    rig.drop_whole("good.csv", b"good");
    rig.there("done/good.csv").await;
    for name in ["link.csv", "endless.csv", "pipe.csv", "socket.csv"] {
        rig.there(format!("refused/{name}")).await;
        let told = rig.json(format!("refused/{name}.refused.json"));
        assert_eq!(told["code"], kinds::NOT_A_FILE.code);
        for text in ["title", "title_en", "advice", "advice_en"] {
            assert!(told[text].as_str().is_some_and(|text| !text.is_empty()), "{text}");
        }
    }
    assert_eq!(rig.ids(), ["good.csv"]);
    assert_eq!(fs::read(&secret).unwrap(), b"not theirs");
    rig.stopped().await;
}

#[tokio::test]
async fn any_name_that_a_file_can_have_is_taken_and_nothing_leaves_the_folder() {
    let rig = Rig::start(Ready::Rename);
    let names: Vec<OsString> = [
        b"-rf".to_vec(),
        b"a\nb.csv".to_vec(),
        b"\x1b[2J.csv".to_vec(),
        b"a\\..\\..\\etc".to_vec(),
        b"$(id);`id`'\".csv".to_vec(),
        b"\xff\xfe.csv".to_vec(),
        "h\u{202e}vsc.exe".as_bytes().to_vec(),
        "hồ sơ tháng 9.csv".as_bytes().to_vec(),
        b"%2e%2e%2fa".to_vec(),
        b"done.csv".to_vec(),
        vec![b'n'; 255],
        [vec![b'm'; 251], b".csv".to_vec()].concat(),
    ]
    .into_iter()
    .map(OsString::from_vec)
    .collect();
    for name in &names {
        let part = rig.path("writing.part");
        fs::write(&part, name.as_bytes()).unwrap();
        fs::rename(part, rig.path(name)).unwrap();
    }
    rig.inbox.has(names.len()).await;
    while !rig.names("claimed").is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
    // Each with its receipt, and nothing anywhere else.
    assert_eq!(rig.names("done").len(), 2 * names.len());
    assert_eq!(rig.names(""), ["claimed", "done", "known", "refused"]);
    assert_eq!(fs::read_dir(&rig.root).unwrap().count(), 1);
    for name in &names[..10] {
        assert_eq!(fs::read(rig.path("done").join(name)).unwrap(), name.as_bytes());
    }
}

#[tokio::test]
async fn a_file_above_the_limit_is_refused_before_it_is_read() {
    let root = new_root();
    let mut settings = settings(&root, Ready::Rename);
    settings.limits.payload_bytes_max = 2000;
    // Less than one file may be: it takes all of it, and is not kept waiting for more.
    settings.room = Room::new(1024);
    let rig = Rig::new(Scripted::new([]), settings);
    rig.drop_whole("fits.csv", &[b'x'; 2000]);
    // It takes no room on the disk, and would take all the memory there is.
    File::create(rig.path("a.part")).unwrap().set_len(1 << 40).unwrap();
    fs::rename(rig.path("a.part"), rig.path("vast.csv")).unwrap();
    rig.there("refused/vast.csv").await;
    rig.there("done/fits.csv").await;
    let told = rig.json("refused/vast.csv.refused.json");
    assert_eq!(told["code"], "payload-too-large");
    assert!(told["detail"].as_str().unwrap().contains("2000"), "{told}");
    assert_eq!(rig.ids(), ["fits.csv"]);
}

#[tokio::test]
async fn what_vanishes_or_is_replaced_between_two_looks_is_no_trouble() {
    let rig = Rig::start(Ready::Stable);
    for round in 0..20 {
        rig.write("comes-and-goes.csv", b"x");
        rig.write("changes.csv", format!("{round:03}").as_bytes());
        sleep(LOOK / 3).await;
        fs::remove_file(rig.path("comes-and-goes.csv")).unwrap();
        rig.write("writing.part", b"other");
        fs::rename(rig.path("writing.part"), rig.path("changes.csv")).unwrap();
    }
    assert!(rig.inbox.arrivals().is_empty(), "{:?}", rig.ids());
    rig.there("done/changes.csv").await;
    assert_eq!(rig.inbox.arrivals()[0].1.payload, "other");
    assert_eq!(rig.standing.borrow().trouble, None);
}

#[tokio::test]
async fn a_folder_that_is_gone_is_told_and_taken_again_when_it_is_back() {
    let rig = Rig::start(Ready::Rename);
    let (here, away) = (rig.root.join("so-xay-dung"), rig.root.join("away"));
    fs::rename(&here, &away).unwrap();
    // Something else lies in its place, as where a disk is not mounted.
    fs::write(&here, b"").unwrap();
    let told = async {
        loop {
            if let Some(trouble @ Trouble::Folder(_)) = &rig.standing.borrow().trouble {
                break trouble.told();
            }
            tokio::task::yield_now().await;
        }
    };
    let told = timeout(PATIENCE, told).await.unwrap();
    assert!(told.vi.contains("thư mục") && told.en.contains("so-xay-dung"), "{told:?}");
    fs::remove_file(&here).unwrap();
    fs::rename(&away, &here).unwrap();
    rig.drop_whole("a.csv", b"a");
    rig.there("done/a.csv").await;
    Rig::some_looks().await;
    assert_eq!(rig.standing.borrow().trouble, None);
}

#[tokio::test]
async fn a_link_in_place_of_a_folder_is_not_followed() {
    let root = new_root();
    let outside = new_root();
    symlink(&outside, root.join("so-xay-dung")).unwrap();
    let found = settings(&root, Ready::Rename).prepare().unwrap_err();
    assert!(matches!(&found, NotOpened::Link(part) if part == "so-xay-dung"), "{found}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    fs::remove_file(root.join("so-xay-dung")).unwrap();
    // Later, by somebody who may write into the folder.
    let rig = Rig::new(Scripted::new([]), settings(&root, Ready::Rename));
    fs::remove_dir(rig.path("done")).unwrap();
    symlink(&outside, rig.path("done")).unwrap();
    rig.drop_whole("a.csv", b"a");
    Rig::some_looks().await;
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "something was put outside");
    assert!(rig.standing.borrow().trouble.is_some());
    fs::remove_file(rig.path("done")).unwrap();
    rig.there("done/a.csv").await;
    fs::remove_dir_all(outside).unwrap();
}

#[tokio::test]
async fn folders_within_are_counted_and_left_alone() {
    let rig = Rig::start(Ready::Rename);
    fs::create_dir(rig.path("thang-9")).unwrap();
    rig.write("thang-9/a.csv", b"a");
    rig.drop_whole("b.csv", b"b");
    rig.there("done/b.csv").await;
    Rig::some_looks().await;
    assert_eq!(rig.standing.borrow().strange, 1);
    assert!(rig.path("thang-9/a.csv").exists());
    assert_eq!(rig.ids(), ["b.csv"]);
}
